/** The signals that chaos is watched with: one pod that writes numbered lines, serves a counter, and sends numbered traces. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  CoreV1Api,
  CustomObjectsApi,
  type KubeConfig,
  type V1ConfigMap,
  type V1Namespace,
  type V1Pod,
} from "@kubernetes/client-node";
import { k6Arguments, k6Environment, k6Image, k6PodSecurity } from "../../cli/load/manifest";
import { copyPullSecret, ifThere } from "../../cli/objects";
import { smokeImage } from "../../cli/smoke/manifest";
import { caCertificate } from "../../components/port-forward";
import { caBundle, clientLabel, namespaces, servedUrls, usesTls } from "../../names";
import type { Settings } from "../../settings";
import { mirrored, pullSecrets } from "../../values/shared";
import { trustedCa } from "../../values/tls";

/** Where the pod is, and the name of all that is made there. */
export const load = { namespace: "obs-chaos", name: "chaos" } as const;
/** Lines a second. */
const linesPerSecond = 4;
/** Seconds between two scrapes of the counter. */
export const scrapeInterval = 5;
const metadata = {
  name: load.name,
  namespace: load.namespace,
  labels: { "app.kubernetes.io/name": load.name },
};

/** Tells this run's signals from those of others: eight hexadecimal digits, the beginning of its trace ids. */
export const newRun = (): string => randomBytes(4).toString("hex");

/** Writes numbered lines, and serves the last number. */
const writing = (run: string): string => `
mkdir -p /tmp/www
httpd -p 8080 -h /tmp/www
n=0
while :; do
  n=$((n + 1))
  echo "chaos run=${run} number=$n"
  printf '# TYPE chaos_number_total counter\\nchaos_number_total{run="${run}"} %s\\n' $n > /tmp/new
  mv /tmp/new /tmp/www/metrics.txt
  sleep ${1 / linesPerSecond}
done`;

/** The namespace; its pods may reach Alloy. */
export const namespaceManifest = (): V1Namespace => ({
  metadata: {
    name: load.namespace,
    labels: { [clientLabel]: "true", "pod-security.kubernetes.io/enforce": "restricted" },
  },
});

/** What both Alloy and Prometheus scrape the counter by. */
export const monitorManifest = () => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PodMonitor",
  metadata,
  spec: {
    selector: { matchLabels: metadata.labels },
    podMetricsEndpoints: [
      {
        port: "http",
        path: "/metrics.txt",
        interval: `${scrapeInterval}s`,
        scrapeTimeout: `${scrapeInterval - 1}s`,
      },
    ],
  },
});

/** The pod: it has to outlive what happens to others, so nothing in it asks whether they live. */
export function podManifest(settings: Settings, run: string): V1Pod {
  const { tracing } = settings;
  const trust = trustedCa(settings);
  const traces = {
    url: servedUrls(settings).otlpHttp,
    run,
    // Where a collector samples it keeps all that failed.
    failed: tracing.sampling.appliedBy === "collector",
  };
  const securityContext = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  };
  return {
    metadata,
    spec: {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      imagePullSecrets: pullSecrets(settings),
      securityContext: k6PodSecurity,
      containers: [
        {
          name: "writer",
          image: process.env["OBS_TEST_IMAGE"] ?? mirrored(settings, smokeImage),
          command: ["sh", "-c", writing(run)],
          ports: [{ name: "http", containerPort: 8080 }],
          resources: { requests: { cpu: "20m", memory: "16Mi" }, limits: { memory: "64Mi" } },
          securityContext,
          volumeMounts: [{ name: "writer", mountPath: "/tmp" }],
        },
        {
          name: "traces",
          image: mirrored(settings, k6Image),
          args: k6Arguments("/load/traces.js"),
          env: [{ name: "CHAOS_TRACES", value: JSON.stringify(traces) }, ...k6Environment(settings)],
          resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
          securityContext,
          volumeMounts: [
            { name: "script", mountPath: "/load", readOnly: true },
            { name: "traces", mountPath: "/tmp" },
            ...trust.mounts,
          ],
        },
      ],
      volumes: [
        { name: "script", configMap: { name: load.name } },
        { name: "writer", emptyDir: {} },
        { name: "traces", emptyDir: {} },
        ...trust.volumes,
      ],
    },
  };
}

/** Takes the namespace away, and waits until it is gone. */
export async function removeLoad(config: KubeConfig): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  if (!(await ifThere(core.deleteNamespace({ name: load.namespace })))) return;
  for (let tries = 0; tries < 60; tries += 1) {
    if (!(await ifThere(core.readNamespace({ name: load.namespace })))) return;
    await wait(1000);
  }
  throw new Error(`namespace ${load.namespace} does not go away`);
}

/** Makes the namespace and the pod; one that an earlier run left behind is taken away first. */
export async function startLoad(config: KubeConfig, settings: Settings, run: string): Promise<void> {
  await removeLoad(config);
  const core = config.makeApiClient(CoreV1Api);
  const { namespace } = load;
  await core.createNamespace({ body: namespaceManifest() });
  const { pullSecret } = settings.images;
  if (pullSecret) await copyPullSecret(core, pullSecret, namespace);
  const script: V1ConfigMap = {
    metadata,
    data: { "traces.js": readFileSync(join(__dirname, "traces.js"), "utf8") },
  };
  await core.createNamespacedConfigMap({ namespace, body: script });
  if (usesTls(settings)) {
    const ca = await caCertificate(config, namespaces.alloyTraces);
    await core.createNamespacedConfigMap({
      namespace,
      body: { metadata: { ...metadata, name: caBundle.name }, data: { [caBundle.file]: ca } },
    });
  }
  await config.makeApiClient(CustomObjectsApi).createNamespacedCustomObject({
    group: "monitoring.coreos.com",
    version: "v1",
    namespace,
    plural: "podmonitors",
    body: monitorManifest(),
  });
  await core.createNamespacedPod({ namespace, body: podManifest(settings, run) });
}

/** Traces that the sender gave up: those it got no `200` for within its minute. */
export async function givenUp(config: KubeConfig): Promise<number[]> {
  const log = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedPodLog({ namespace: load.namespace, name: load.name, container: "traces" });
  return readGivenUp(log);
}

/** The same from the sender's log. */
export const readGivenUp = (log: string): number[] =>
  log
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as { from: number; to: number; taken: boolean })
    .filter(({ taken }) => !taken)
    .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
