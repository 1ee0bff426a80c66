/** Labels and annotations of Kubernetes objects as labels of metrics, by the real kube-state-metrics. */
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { ApiServer } from "../support/api-server";
import { renderStack } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { needs, needsCharts } from "../support/tools";

describe("cases: labels of Kubernetes objects", function () {
  this.timeout(180_000);
  let api: ApiServer | undefined;
  let exporter: Server | undefined;

  after(async () => {
    await exporter?.stop();
    await api?.stop();
  });

  // https://github.com/grafana/k8s-monitoring-helm/issues/1040
  it("are labels of kube_*_labels and kube_*_annotations, where a setting names them", async function () {
    await needsCharts(this);
    const [program = "", etcd = "", kubeApiserver = ""] = needs(
      this,
      "kube-state-metrics",
      "etcd",
      "kube-apiserver",
    );
    const { objects } = await renderStack({
      environment: "dev",
      kubePrometheusStack: {
        kubeStateMetrics: { labels: ["namespaces=[team]"], annotations: ["namespaces=[example.com/owner]"] },
      },
    });
    const deployment = objects.find(
      ({ object: { kind, metadata } }) => kind === "Deployment" && metadata.name === "kps-kube-state-metrics",
    )?.object as unknown as { spec: { template: { spec: { containers: { args: string[] }[] } } } };
    const args = deployment.spec.template.spec.containers[0]?.args ?? [];
    api = await ApiServer.start(etcd, kubeApiserver);
    await api.create({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: "shop",
        labels: { team: "checkout", tier: "gold" },
        annotations: { "example.com/owner": "ada" },
      },
    });
    const [port, own] = [await freePort(), await freePort()];
    exporter = await Server.start(
      program,
      [
        ...args.filter((arg) => !/^--(port|telemetry-port|host|telemetry-host)=/.test(arg)),
        `--port=${port}`,
        "--host=127.0.0.1",
        `--telemetry-port=${own}`,
        "--telemetry-host=127.0.0.1",
        `--kubeconfig=${api.kubeconfig()}`,
      ],
      { ready: async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok },
    );
    const lines = await until(60, "the namespace's labels", async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const found = text
        .split("\n")
        .filter((line) => /^kube_namespace_(labels|annotations)\{namespace="shop"/.test(line));
      return found.length === 2 ? found : undefined;
    });
    expect(lines.sort()).to.deep.equal([
      'kube_namespace_annotations{namespace="shop",annotation_example_com_owner="ada"} 1',
      'kube_namespace_labels{namespace="shop",label_team="checkout"} 1',
    ]);
  });
});
