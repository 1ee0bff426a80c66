/** Steps of the engine test about metrics, on a running stack. */
import { setTimeout as wait } from "node:timers/promises";
import { CoreV1Api, CustomObjectsApi, type KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { smokeTests } from "../../cli/commands/smoke";
import { resultText } from "../../cli/commands/smoke/run";
import { bodyOf } from "../../cli/lib/service";
import { gatewayUser, owner, tenants } from "../../names";
import type { Settings } from "../../settings";
import { eventually, instant, objectsIn, scaleNamespace, startPod } from "../support/cluster";
import { namespaces, services, settings } from "../support/names";

/** Input of the steps, after the stack is created. */
export interface Running {
  config: KubeConfig;
  settings: Settings;
}

const counterPod = "engine-test-counter";
const receiverPod = "engine-test-receiver";
const crashingPod = "engine-test-crashing";
const ruleNames = { mimir: "engine-test-mimir", prometheus: "engine-test-prometheus" };
const rules = {
  group: "monitoring.coreos.com",
  version: "v1",
  namespace: "default",
  plural: "prometheusrules",
};

/** Receiver of the stack's alerts: a pod that prints the body of each request. */
export const receiverUrl = `http://${receiverPod}.default.svc:8080/cgi-bin/alerts`;

/** A page of one metric, a counter that increases by one every second. */
const counting =
  'mkdir -p /tmp/w; i=0; (while true; do i=$((i+1)); echo "engine_test_seconds_total $i" > /tmp/w/n; mv /tmp/w/n /tmp/w/metrics; sleep 1; done) & httpd -f -p 8080 -h /tmp/w';
/** Prints the body of each request and responds to it. */
const printing = [
  "mkdir -p /tmp/w/cgi-bin; touch /tmp/bodies",
  "printf '#!/bin/sh\\ncat >> /tmp/bodies; echo >> /tmp/bodies; printf \"Content-Type: text/plain\\\\n\\\\n\"\\n' > /tmp/w/cgi-bin/alerts",
  "chmod +x /tmp/w/cgi-bin/alerts; httpd -p 8080 -h /tmp/w; tail -f /tmp/bodies",
].join("; ");

/** Deletes the pods and rules of the steps. */
export async function cleanUp(config: KubeConfig): Promise<void> {
  const api = config.makeApiClient(CoreV1Api);
  for (const name of [counterPod, receiverPod, crashingPod])
    await api.deleteNamespacedPod({ namespace: "default", name }).catch(() => undefined);
  await api.deleteNamespacedService({ namespace: "default", name: receiverPod }).catch(() => undefined);
  for (const name of Object.values(ruleNames))
    await config
      .makeApiClient(CustomObjectsApi)
      .deleteNamespacedCustomObject({ ...rules, name })
      .catch(() => undefined);
}

export function metricsSteps(running: () => Running): void {
  const count = async (tenant: string, query: string): Promise<number> => {
    const [sample] = await instant(running().config, tenant, `count(${query})`);
    return Number(sample?.value[1] ?? 0);
  };

  it("starts the targets of the steps on metrics", async () => {
    const { config } = running();
    const api = config.makeApiClient(CoreV1Api);
    // A killed run leaves them behind.
    await cleanUp(config);
    await startPod(config, "default", receiverPod, printing, { labels: { app: receiverPod } });
    await api.createNamespacedService({
      namespace: "default",
      body: {
        metadata: { name: receiverPod },
        spec: { selector: { app: receiverPod }, ports: [{ port: 8080 }] },
      },
    });
    await startPod(config, "default", crashingPod, "exit 1");
    const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": "8080" };
    await startPod(config, "default", counterPod, counting, { annotations });
  });

  it("passes its own smoke test", async () => {
    const listener = { waiting: () => undefined, ended: () => undefined };
    const stop = new AbortController().signal;
    const results = await smokeTests(
      { ...running(), stores: running(), disruptive: true, stop },
      listener,
      () => undefined,
    );
    for (const result of results) console.log(`      ${resultText(result, results.length)}`);
    // Policies are off, and there are no agents.
    const others = results.filter(({ state }) => state !== "passed");
    expect(others.map(({ number, state }) => [number, state])).to.deep.equal([
      [11, "skipped"],
      [12, "skipped"],
    ]);
  });

  it("has infrastructure in its tenant and applications in theirs, and neither in the other", async () => {
    const { config } = running();
    const cadvisor = { namespace: namespaces.monitoring, name: "cadvisor", port: 8080 };
    const exposed = await bodyOf(config, cadvisor, { path: "/metrics" });
    // With cgroup v1, a kernel counts I/O of containers only if it is throttled.
    const countsIo = /^container_fs_reads_total\{.*pod_name="[^"]+".*\}/m.test(exposed);
    if (!countsIo)
      console.log(
        "      this node's kernel counts no I/O per container: container_fs_reads_total is not checked",
      );
    const nodes = [
      "kube_pod_info",
      "node_cpu_seconds_total",
      "container_cpu_usage_seconds_total",
      "container_memory_working_set_bytes",
      ...(countsIo ? ["container_fs_reads_total"] : []),
    ];
    for (const metric of nodes) {
      expect(
        await eventually(
          120,
          () => count(tenants.nodes, metric),
          (found) => found > 0,
        ),
        metric,
      ).to.be.above(0);
      expect(await count(tenants.pods, metric), metric).to.equal(0);
    }
    const seconds = () => count(tenants.pods, "engine_test_seconds_total");
    expect(await eventually(120, seconds, (found) => found > 0)).to.equal(1);
    expect(await count(tenants.nodes, "engine_test_seconds_total")).to.equal(0);
  });

  it("scrapes no target twice for a tenant, and stores no container, pod or CPU twice", async () => {
    const { config } = running();
    const once: [query: string, tenants: string[]][] = [
      ["count by (instance, metrics_path) (up)", [tenants.nodes, tenants.pods]],
      // A container that crashes is in one scrape with its successor.
      [
        `count by (namespace, pod, container, cpu) (container_cpu_usage_seconds_total{pod!="${crashingPod}"})`,
        [tenants.nodes],
      ],
      ["count by (uid) (kube_pod_info)", [tenants.nodes]],
      ["count by (node, instance, cpu, mode) (node_cpu_seconds_total)", [tenants.nodes]],
    ];
    for (const [query, where] of once)
      for (const tenant of where) {
        expect(await instant(config, tenant, query), query).not.to.deep.equal([]);
        // A container that the smoke test killed appears with its successor within the lookback of queries.
        const twice = await eventually(
          360,
          () => instant(config, tenant, `${query} > 1`),
          (found) => found.length === 0,
        );
        expect(
          twice.map(({ metric }) => metric),
          `${tenant}: ${query}`,
        ).to.deep.equal([]);
      }
  });

  it("has Prometheus' own copy in a tenant of its own, without the replica's label", async () => {
    const { config } = running();
    const samples = await eventually(
      180,
      () => instant(config, tenants.prometheus, "up"),
      (found) => found.length > 5,
    );
    expect(samples.length).to.be.above(5);
    for (const { metric } of samples)
      expect(metric).to.include.keys("cluster").and.not.include.keys("__replica__");
    const flags = await bodyOf(config, services.prometheus, { path: "/api/v1/status/flags" });
    expect(JSON.parse(flags).data["storage.tsdb.retention.time"]).to.match(/^(168h|7d|1w)$/);
  });

  it("evaluates each rule only once: Mimir's by their label, all others in Prometheus", async () => {
    const { config } = running();
    const make = (name: string, labels: Record<string, string>) =>
      config.makeApiClient(CustomObjectsApi).createNamespacedCustomObject({
        ...rules,
        body: {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "PrometheusRule",
          metadata: { name, namespace: "default", labels },
          spec: {
            groups: [
              {
                name,
                interval: "15s",
                rules: [{ record: `${name.replaceAll("-", "_")}:pods`, expr: "count(kube_pod_info)" }],
              },
            ],
          },
        },
      });
    await make(ruleNames.mimir, { [owner.ruleTenant]: tenants.nodes });
    await make(ruleNames.prometheus, {});
    const groups = async (service: typeof services.mimir | typeof services.prometheus, prefix: string) => {
      const as = service === services.mimir ? gatewayUser(tenants.nodes, "read") : undefined;
      const body = await bodyOf(config, service, { path: `${prefix}/api/v1/rules`, ...(as && { as }) });
      return (JSON.parse(body).data.groups as { name: string }[]).map(({ name }) => name);
    };
    const mimir = () => groups(services.mimir, "/prometheus");
    const prometheus = () => groups(services.prometheus, "");
    // The smoke test's rule may exist for a moment.
    const alone = (names: string[]) => names.length === 1 && names[0] === ruleNames.mimir;
    expect(await eventually(120, mimir, alone)).to.deep.equal([ruleNames.mimir]);
    const there = await eventually(120, prometheus, (names) => names.includes(ruleNames.prometheus));
    expect(there).to.include(ruleNames.prometheus).and.not.include(ruleNames.mimir);
    const recorded = () => count(tenants.nodes, "engine_test_mimir:pods");
    expect(await eventually(120, recorded, (found) => found > 0)).to.equal(1);
  });

  it("has blocks in the bucket after a flush, encrypted", async () => {
    const { config } = running();
    const ingester = { namespace: namespaces.mimir, name: "mimir-ingester", port: 8080 };
    await bodyOf(config, ingester, { method: "POST", path: "/ingester/flush" });
    const inBlocks = async () =>
      (await objectsIn(config, settings, "mimir-blocks")).filter(({ name }) =>
        name.startsWith(`${tenants.nodes}/`),
      );
    const objects = await eventually(180, inBlocks, (found) =>
      found.some(({ name }) => name.endsWith("/meta.json")),
    );
    expect(objects.map(({ name }) => name.split("/").at(-1))).to.include.members(["meta.json", "index"]);
    for (const { encryption } of objects) expect(encryption).to.equal("aws:kms");
  });

  it("loses no sample while Mimir is unavailable for three minutes", async () => {
    const { config, settings } = running();
    const started = Date.now();
    await scaleNamespace(config, namespaces.mimir, 0);
    await wait(180_000);
    await scaleNamespace(config, namespaces.mimir, 1);
    const back = Date.now();
    // All samples from a minute before the outage of Mimir until its recovery.
    const seconds = Math.round((Date.now() - started) / 1000) + 240;
    const samples = async (): Promise<[time: number, value: string][]> => {
      const [series] = await instant(config, tenants.pods, `engine_test_seconds_total[${seconds}s]`);
      return series?.values ?? [];
    };
    const isLate = (found: [number, string][]) => (found.at(-1)?.[0] ?? 0) * 1000 > back + 30_000;
    const found = await eventually(300, samples, isLate);
    const gaps = found.slice(1).map(([time], index) => time - (found[index]?.[0] ?? 0));
    const rises = found.slice(1).map(([, value], index) => Number(value) - Number(found[index]?.[1]));
    expect(found.length).to.be.above((back - started) / 1000 / settings.alloyMetrics.scrapeInterval);
    expect(Math.max(...gaps), "seconds between two samples").to.be.below(
      1.5 * settings.alloyMetrics.scrapeInterval,
    );
    expect(Math.min(...rises), "rise between two samples").to.be.above(0);
    const [increase] = await instant(
      config,
      tenants.pods,
      `increase(engine_test_seconds_total[${seconds - 240}s])`,
    );
    console.log(
      `      ${found.length} samples, ${Math.max(...gaps).toFixed(1)} s apart at most; increase ${increase?.value[1]} in ${seconds - 240} s`,
    );
  });
}

/** As late as possible: the alert requires a quarter of an hour of crashing. */
export function alertSteps(running: () => Running): void {
  it("notifies a receiver about a pod that crashes repeatedly", async () => {
    const { config } = running();
    const api = config.makeApiClient(CoreV1Api);
    const read = () => api.readNamespacedPodLog({ namespace: "default", name: receiverPod });
    const told = (log: string) => log.includes("KubePodCrashLooping") && log.includes(crashingPod);
    expect(await eventually(20 * 60, read, told)).to.satisfy(told);
  });
}
