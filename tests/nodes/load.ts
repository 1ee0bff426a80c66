/** The load of the drills: on each node a writer, which also queries the stores and writes to them directly. */
import { AppsV1Api, CoreV1Api, type KubeConfig, type V1DaemonSet } from "@kubernetes/client-node";
import { gatewayPassword } from "../../cli/lib/gateway";
import { gatewayUser, type Role, type Store, services, stores, tenants } from "../../names";
import type { Settings } from "../../settings";
import { datasourceReader } from "../../values/gateway";
import { configManifest, type Load, podSpec, prepareLoad } from "../chaos/load";
import { urls } from "../support/names";

/** Name and namespace of all objects of the drills. */
export const drills = { name: "nodes", namespace: "obs-nodes" } as const;

/** The load on a number of nodes. @param lines @param spans per second, of all nodes together */
export const loadOn = (nodes: number, lines: number, spans: number): Load => ({
  ...drills,
  lines: Math.ceil(lines / nodes),
  spans: Math.ceil(spans / nodes),
  scrapeInterval: 15,
});

/** Users of the gateways: the same as those of Grafana and the collectors. */
const users: Record<Store, Record<Exclude<Role, "rules">, string>> = {
  loki: { read: gatewayUser(tenants.logs, "read"), write: gatewayUser(tenants.logs, "write") },
  mimir: { read: datasourceReader, write: gatewayUser(tenants.pods, "write") },
  tempo: { read: gatewayUser(tenants.traces, "read"), write: gatewayUser(tenants.traces, "write") },
};
/** Environment variable of a writer with the authorization header of a request. */
const variable = (store: Store, role: keyof (typeof users)[Store]) => `${store}_${role}`.toUpperCase();

/** One query for each store, whose response must contain data of this run. */
export function queries(run: string): string {
  const query = encodeURIComponent;
  const lines: [store: Store, url: string, expected: string][] = [
    [
      "loki",
      `${urls.loki}/loki/api/v1/query_range?query=${query(`{namespace="${drills.namespace}", container_name="writer"} |= "run=${run} "`)}&start=@FROM000000000&end=@NOW000000000&limit=5`,
      `run=${run}`,
    ],
    [
      "mimir",
      `${urls.mimir}/prometheus/api/v1/query?query=${query(`max by (run) (${drills.name}_number_total{run="${run}"})`)}&time=@NOW`,
      `"run":"${run}"`,
    ],
    [
      "tempo",
      `${urls.tempo}/api/search?q=${query(`{ resource.service.name = "${drills.name}-${run}" }`)}&start=@FROM&end=@NOW&limit=5`,
      '"traceID"',
    ],
  ];
  return lines.map(([store, ...rest]) => `${[store, variable(store, "read"), ...rest].join(" ")}\n`).join("");
}

/** One write for each gateway. Spans are written to Tempo's gateway here, and through Alloy with every batch. */
export function writes(run: string): string {
  const service = { attributes: [{ key: "service.name", value: { stringValue: `${drills.name}-writes` } }] };
  const time = "@NOW000000000";
  const bodies: Record<Store, [path: string, body: object]> = {
    loki: [
      `${urls.loki}/loki/api/v1/push`,
      { streams: [{ stream: { job: `${drills.name}-writes`, run }, values: [[time, `run=${run}`]] }] },
    ],
    mimir: [
      `${urls.mimir}/otlp/v1/metrics`,
      {
        resourceMetrics: [
          {
            resource: service,
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: `${drills.name}_writes`,
                    gauge: { dataPoints: [{ timeUnixNano: time, asInt: "1" }] },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
    tempo: [
      `${urls.tempo}/v1/traces`,
      {
        resourceSpans: [
          {
            resource: service,
            scopeSpans: [
              {
                spans: [
                  // Each second has a trace of its own, whose ID contains the second's digits.
                  { traceId: `${run}00000000000000@NOW`, spanId: "0000000000000001", name: "write", kind: 2 },
                ].map((span) => ({ ...span, startTimeUnixNano: time, endTimeUnixNano: time })),
              },
            ],
          },
        ],
      },
    ],
  };
  return stores
    .map((store) => [store, variable(store, "write"), bodies[store][0], JSON.stringify(bodies[store][1])])
    .map((words) => `${words.join(" ")}\n`)
    .join("");
}

/**
 * The writers. A node that is off keeps its writer, and the writer its record.
 *
 * @param nodes nodes with a writer
 */
export function writersManifest(settings: Settings, load: Load, run: string, nodes: string[]): V1DaemonSet {
  const labels = { "app.kubernetes.io/name": load.name };
  const spec = podSpec(settings, load, run);
  return {
    metadata: { name: load.name, namespace: load.namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...spec,
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: nodes.map((node) => ({
                  matchFields: [{ key: "metadata.name", operator: "In", values: [node] }],
                })),
              },
            },
          },
          containers: spec.containers.map((container) => ({
            ...container,
            envFrom: [{ secretRef: { name: load.name } }],
          })),
        },
      },
    },
  };
}

/** Creates the load. @param nodes nodes with a writer */
export async function startWriters(
  config: KubeConfig,
  settings: Settings,
  load: Load,
  { run, nodes }: { run: string; nodes: string[] },
): Promise<void> {
  const authorizations = await Promise.all(
    stores.flatMap((store) =>
      (["read", "write"] as const).map(async (role) => {
        const user = users[store][role];
        const password = await gatewayPassword(config, services(settings)[store], user);
        return [variable(store, role), `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`];
      }),
    ),
  );
  const lists = { queries: queries(run), writes: writes(run) };
  await prepareLoad(config, settings, load, configManifest(load, nodes, lists));
  const { name, namespace } = load;
  await config.makeApiClient(CoreV1Api).createNamespacedSecret({
    namespace,
    body: { metadata: { name }, stringData: Object.fromEntries(authorizations) },
  });
  await config
    .makeApiClient(AppsV1Api)
    .createNamespacedDaemonSet({ namespace, body: writersManifest(settings, load, run, nodes) });
}
