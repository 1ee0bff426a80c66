/** Liveness probes: a restart must be able to fix what they report. */
import { expect } from "chai";
import { type RenderedStack, renderStack, workloads } from "../support/rendered";
import { ready } from "../support/stacks";
import { needsCharts } from "../support/tools";

/** Endpoints that fail while another program, the database or the storage is unavailable, or data is loaded. */
const ofOthers = /^(\/ready|\/readyz|\/-\/ready|\/api\/health|\/minio\/health\/(ready|cluster).*)$/;

interface Probed {
  name: string;
  livenessProbe?: { httpGet?: { path?: string; port?: number | string; scheme?: string } };
}
const containers = (stack: RenderedStack) =>
  workloads(stack).flatMap(({ object }) =>
    (object["spec"].template.spec.containers as Probed[]).map((container) => ({
      which: `${object.metadata.name}/${container.name}`,
      probe: container.livenessProbe?.httpGet,
    })),
  );

describe("charts: liveness probes", function () {
  this.timeout(120_000);
  before(async function () {
    await needsCharts(this);
  });

  for (const name of ["dev", "prod"] as const)
    it(`of ${name} do not depend on other programs`, async () => {
      const probed = containers(await renderStack(ready(name))).filter(({ probe }) => probe);
      expect(probed.length).to.be.greaterThan(15);
      for (const { which, probe } of probed) expect(probe?.path, which).not.to.match(ofOthers);
      const tempo = probed.filter(({ which }) => /^tempo-(?!gateway)/.test(which));
      expect(tempo).to.have.length(6);
      for (const { which, probe } of tempo)
        expect(probe, which).to.deep.equal({ path: "/api/status/buildinfo", port: "http-metrics" });
    });

  it("of Grafana use TLS if it does", async () => {
    const tls = { network: { tls: { certificates: "ownCa" } } };
    const grafana = async (config: object) =>
      containers(await renderStack({ ...ready("prod"), ...config })).find(
        ({ which }) => which === "grafana/grafana",
      )?.probe;
    expect(await grafana({})).to.deep.equal({ path: "/healthz", port: "grafana" });
    expect(await grafana(tls)).to.deep.equal({ path: "/healthz", port: "grafana", scheme: "HTTPS" });
  });
});
