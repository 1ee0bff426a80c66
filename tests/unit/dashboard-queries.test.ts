import { expect } from "chai";
import { queriesOf } from "../../cli/commands/dashboards";
import { requestOf, withoutMacros } from "../../cli/commands/dashboards/gateways";
import { dashboards } from "../../dashboards";
import { settingsOf } from "../support/stacks";

describe("unit: obs dashboards, at the gateways", () => {
  const settings = settingsOf("prod");
  const queries = Object.values(dashboards).flat().flatMap(queriesOf);
  const of = (source: { type: string; uid: string }, expr: string, instant: boolean) =>
    requestOf({ dashboard: "a", panel: "b", source, expr, instant }, settings, 7_200_000);

  // `$1` is a group of label_replace.
  it("leaves no Grafana variable in the query of any dashboard", () => {
    expect(queries.length).to.be.greaterThan(200);
    for (const { dashboard, panel, expr, instant } of queries)
      expect(withoutMacros(expr, instant, settings), `${dashboard}, ${panel}`).not.to.match(/\$\{?_*[a-z]/i);
  });

  it("replaces the variables as Grafana does for an hour in steps of 30 s", () => {
    const text = "$__rate_interval $__interval $__range $__range_s $__auto";
    expect(withoutMacros(text, false, settings)).to.equal("60s 30s 3600s 3600 30s");
    expect(withoutMacros(text, true, settings)).to.equal("60s 30s 3600s 3600 3600s");
  });

  it("queries each store through its own API", () => {
    const prometheus = { type: "prometheus", uid: "mimir" };
    expect(of(prometheus, "up", true)).to.equal("/api/v1/query?query=up&time=7200");
    expect(of(prometheus, "up", false)).to.equal("/api/v1/query_range?query=up&start=3600&end=7200&step=30");
    expect(of({ type: "loki", uid: "loki" }, "{a}", false)).to.equal(
      "/loki/api/v1/query_range?query=%7Ba%7D&start=3600&end=7200&step=30&limit=10",
    );
    expect(of({ type: "tempo", uid: "tempo" }, "{}", false)).to.equal(
      "/api/search?q=%7B%7D&start=3600&end=7200",
    );
  });
});
