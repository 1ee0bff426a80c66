/** Namespaces in texts of a stack whose namespaces have other names than the default ones. */
import { expect } from "chai";
import { renamed } from "../../values/renamed";
import { settingsOf } from "../support/stacks";

const texts = [
  'sum(up{namespace="loki"})',
  'sum(up{namespace=~"alloy-.+", job="mimir/ingester", pod="loki"})',
  "kubectl -n tempo get pods; curl http://loki-gateway.loki.svc; loki is a store",
];

describe("unit: names of namespaces in texts", () => {
  it("stay if the namespaces have their default names", () => {
    expect(renamed(settingsOf("dev"), texts)).to.deep.equal(texts);
  });

  it("get the prefix in matchers, commands and addresses, and nowhere else", () => {
    const settings = settingsOf("dev", { namespaces: { prefix: "b-" } });
    expect(renamed(settings, texts)).to.deep.equal([
      'sum(up{namespace="b-loki"})',
      'sum(up{namespace=~"b-alloy-.+", job="b-mimir/ingester", pod="loki"})',
      "kubectl -n b-tempo get pods; curl http://loki-gateway.b-loki.svc; loki is a store",
    ]);
    expect(renamed(settings, { namespace: "loki", text: "loki" })).to.deep.equal({
      namespace: "b-loki",
      text: "loki",
    });
  });

  it("are those that a program chose; a pattern for all Alloys becomes a list", () => {
    const settings = settingsOf("dev");
    const own = {
      ...settings,
      namespaces: { ...settings.namespaces, names: { alloyLogs: "logs", loki: "lines" } },
    };
    expect(renamed(own, texts.slice(0, 2))).to.deep.equal([
      'sum(up{namespace="lines"})',
      'sum(up{namespace=~"logs|alloy-metrics|alloy-traces", job="mimir/ingester", pod="loki"})',
    ]);
  });
});
