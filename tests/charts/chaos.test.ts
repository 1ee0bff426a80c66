/** Chaos has an expectation for every workload of a stack: a new one needs its own. */
import { expect } from "chai";
import { expectationOf } from "../chaos/expectations";
import { renderStack, workloads } from "../support/rendered";
import { shipped } from "../support/stacks";
import { needsCharts } from "../support/tools";

/** Names of the workloads that operators create from custom resources. */
const operated: Record<string, (name: string) => string> = {
  Prometheus: (name) => `prometheus-${name}`,
  Alertmanager: (name) => `alertmanager-${name}`,
  OpenTelemetryCollector: (name) => `${name}-collector`,
};

describe("charts: chaos", function () {
  this.timeout(600_000);
  before(async function () {
    await needsCharts(this);
  });

  for (const environment of ["dev", "prod"] as const)
    it(`has an expectation for each workload of ${environment}`, async () => {
      const stack = await renderStack(shipped(environment));
      const plain = workloads(stack)
        .filter(({ object }) => object.kind !== "Job")
        .map(({ object, namespace }) => `${object.metadata.namespace ?? namespace}/${object.metadata.name}`);
      const made = stack.objects
        .filter(({ object }) => object.kind in operated)
        .map(({ object, namespace }) => {
          const { metadata, kind } = object;
          return `${metadata.namespace ?? namespace}/${operated[kind]?.(metadata.name)}`;
        });
      expect(plain).to.include.members(["loki/loki-ingester", "tempo/tempo-ingester", "grafana/grafana"]);
      expect(made).to.include.members([
        "monitoring/prometheus-kps-prometheus",
        "monitoring/alertmanager-kps-alertmanager",
        "opentelemetry/gateway-collector",
      ]);
      expect([...plain, ...made].filter((name) => !expectationOf(name))).to.deep.equal([]);
    });
});
