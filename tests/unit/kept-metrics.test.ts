/** Dropped metrics, by setting. */
import { expect } from "chai";
import { metricNames } from "../../values/kept-metrics";
import read from "../../values/kept-metrics.json";
import { settingsOf } from "../support/stacks";

const matches = (pattern: string, name: string) => new RegExp(`^(?:${pattern})$`).test(name);

describe("values: the metrics that are kept", () => {
  it("drops expensive metrics by default, unused ones with `used`, and nothing with `all`", () => {
    const names = {
      read: "kube_pod_info",
      unread: "node_boot_time_seconds",
      expensive: "apiserver_response_sizes_bucket",
      "of an add-on": "karpenter_nodes_allocatable",
      "of an application": "orders_total",
    };
    const stored = (metrics: object) => {
      const { kept, dropped } = metricNames(settingsOf("dev", { metrics }));
      return Object.entries(names)
        .filter(([, name]) => matches(kept, name) || !matches(dropped, name))
        .map(([what]) => what);
    };
    const others = ["of an add-on", "of an application"];
    expect(stored({})).to.deep.equal(["read", "unread", ...others]);
    expect(stored({ also: ["apiserver_.+"] })).to.deep.equal(["read", "unread", "expensive", ...others]);
    expect(stored({ drop: ["orders_.+", "up"] })).to.deep.equal(["read", "unread", "of an add-on"]);
    expect(stored({ infrastructure: "used" })).to.deep.equal(["read", ...others]);
    expect(stored({ infrastructure: "used", also: ["node_.+"] })).to.deep.equal([
      "read",
      "unread",
      ...others,
    ]);
    expect(stored({ infrastructure: "all" })).to.deep.equal(Object.keys(names));
  });

  it("`used` keeps the labels and annotations of objects that a setting chooses", () => {
    const kept = (kubeStateMetrics: object) =>
      metricNames(
        settingsOf("dev", { metrics: { infrastructure: "used" }, kubePrometheusStack: { kubeStateMetrics } }),
      ).kept;
    for (const kind of ["labels", "annotations"]) {
      expect(matches(kept({}), `kube_deployment_${kind}`)).to.equal(false);
      expect(matches(kept({ [kind]: ["deployments=[team]"] }), `kube_deployment_${kind}`)).to.equal(true);
    }
  });

  it("drops nothing that rules, dashboards, commands or pages of this stack query", () => {
    const { dropped } = metricNames(settingsOf("dev", {}));
    expect(read.filter((name) => matches(dropped, name))).to.deep.equal([]);
  });

  it("`used` identifies components by the prefix of their metrics", () => {
    const { dropped } = metricNames(settingsOf("dev", { metrics: { infrastructure: "used" } }));
    for (const name of [
      "node_boot_time_seconds",
      "kube_pod_tolerations",
      "go_goroutines",
      "nodejs_heap_bytes",
    ])
      expect(matches(dropped, name), name).to.equal(/^(node|kube)_/.test(name));
  });
});
