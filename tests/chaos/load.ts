/**
 * The load during the observation of the stores: pods that write numbered lines, expose a counter, and send numbered
 * traces.
 */
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
  type V1PodSpec,
} from "@kubernetes/client-node";
import { copyPullSecret, ifExists } from "../../cli/lib/objects";
import { smokeImage } from "../../cli/lib/script-pod";
import { ask } from "../../cli/lib/service";
import type { HttpAnswer } from "../../cli/lib/tunnel";
import { clientLabel, servedUrls, usesTls } from "../../names";
import type { Settings } from "../../settings";
import { dnsConfig, mirrored, pullSecrets, restrictedContainer } from "../../values/shared";
import { urls } from "../support/names";
import { readRecord, taken } from "./record";

/** Parameters of a load. */
export interface Load {
  /** Name of its signals and of all its objects. */
  name: string;
  namespace: string;
  /** Lines per second of each writer. */
  lines: number;
  /** Spans per second of each writer, in one trace. */
  spans: number;
  /** Seconds between two scrapes of the counter. */
  scrapeInterval: number;
}

/** The load of chaos: one pod. */
export const load: Load = { namespace: "obs-chaos", name: "chaos", lines: 4, spans: 1, scrapeInterval: 5 };
export const { scrapeInterval } = load;
/** Port of the counter and of the record. */
const port = 8080;
const folder = "/load";

/** Identifies the signals of this run: eight hexadecimal digits, with which its trace IDs begin. */
export const newRun = (): string => randomBytes(4).toString("hex");

const metadataOf = ({ name, namespace }: Load) => ({
  name,
  namespace,
  labels: { "app.kubernetes.io/name": name },
});

/** The namespace, whose pods may connect to the gateways and Alloy. */
export const namespaceManifest = ({ namespace }: Load): V1Namespace => ({
  metadata: {
    name: namespace,
    labels: { [clientLabel]: "true", "pod-security.kubernetes.io/enforce": "restricted" },
  },
});

/** Makes both Alloy and Prometheus scrape the counter. */
export const monitorManifest = (of: Load) => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PodMonitor",
  metadata: metadataOf(of),
  spec: {
    selector: { matchLabels: metadataOf(of).labels },
    podMetricsEndpoints: [
      {
        port: "http",
        path: "/metrics.txt",
        interval: `${of.scrapeInterval}s`,
        scrapeTimeout: `${of.scrapeInterval - 1}s`,
      },
    ],
  },
});

/** The script, the writers' names, and the lists of queries and writes: load.sh describes them. */
export const configManifest = (
  of: Load,
  writers: string[],
  lists: Record<string, string> = {},
): V1ConfigMap => ({
  metadata: metadataOf(of),
  data: {
    "load.sh": readFileSync(join(__dirname, "load.sh"), "utf8"),
    writers: `${writers.join("\n")}\n`,
    ...lists,
  },
});

/**
 * A writer. It must survive faults of other components, so it has no probes. @param writer its name; without it, its
 * node's
 */
export function podSpec(settings: Settings, of: Load, run: string, writer?: string): V1PodSpec {
  const { tracing } = settings;
  const env = {
    ...{ LOAD_NAME: of.name, LOAD_RUN: run, LOAD_LINES: String(of.lines), LOAD_SPANS: String(of.spans) },
    // Busybox cannot verify a certificate.
    LOAD_TRACES: usesTls(settings) ? urls.collector : servedUrls(settings).otlpHttp,
    // If a collector samples, it keeps every failed trace.
    LOAD_STATUS: tracing.sampling.appliedBy === "collector" ? "2" : "0",
    ...{ LOAD_FOLDER: folder, LOAD_DATA: "/tmp", LOAD_PORT: String(port) },
  };
  return {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    dnsConfig,
    imagePullSecrets: pullSecrets(settings),
    securityContext: { runAsUser: 65534, runAsGroup: 65534, fsGroup: 65534 },
    containers: [
      {
        name: "writer",
        image: process.env["OBS_TEST_IMAGE"] ?? mirrored(settings, smokeImage),
        command: ["sh", `${folder}/load.sh`],
        ports: [{ name: "http", containerPort: port }],
        env: [
          ...Object.entries(env).map(([name, value]) => ({ name, value })),
          writer === undefined
            ? { name: "LOAD_WRITER", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }
            : { name: "LOAD_WRITER", value: writer },
        ],
        resources: { requests: { cpu: "20m", memory: "16Mi" }, limits: { memory: "128Mi" } },
        securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
        volumeMounts: [
          { name: "load", mountPath: folder, readOnly: true },
          { name: "data", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "load", configMap: { name: of.name } },
      { name: "data", emptyDir: {} },
    ],
  };
}

/** The pod of chaos. */
export const podManifest = (settings: Settings, run: string): V1Pod => ({
  metadata: metadataOf(load),
  spec: podSpec(settings, load, run, load.name),
});

/** Deletes the namespace, and waits until it is deleted. */
export async function removeLoad(config: KubeConfig, { namespace }: Load = load): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  if (!(await ifExists(core.deleteNamespace({ name: namespace })))) return;
  for (let tries = 0; tries < 60; tries += 1) {
    if (!(await ifExists(core.readNamespace({ name: namespace })))) return;
    await wait(1000);
  }
  throw new Error(`namespace ${namespace} does not go away`);
}

/** Creates all objects of a load except its pods. Objects of an earlier run are deleted first. */
export async function prepareLoad(
  config: KubeConfig,
  settings: Settings,
  of: Load,
  lists: V1ConfigMap,
): Promise<void> {
  await removeLoad(config, of);
  const core = config.makeApiClient(CoreV1Api);
  const { namespace } = of;
  await core.createNamespace({ body: namespaceManifest(of) });
  const { pullSecret } = settings.images;
  if (pullSecret) await copyPullSecret(core, settings, pullSecret, namespace);
  await core.createNamespacedConfigMap({ namespace, body: lists });
  // Prometheus Operator ignores a monitor, until its next synchronization, if it does not know the namespace yet.
  await wait(3000);
  await config.makeApiClient(CustomObjectsApi).createNamespacedCustomObject({
    group: "monitoring.coreos.com",
    version: "v1",
    namespace,
    plural: "podmonitors",
    body: monitorManifest(of),
  });
}

/** Creates the load of chaos. */
export async function startLoad(config: KubeConfig, settings: Settings, run: string): Promise<void> {
  await prepareLoad(config, settings, load, configManifest(load, [load.name]));
  const { namespace } = load;
  await config.makeApiClient(CoreV1Api).createNamespacedPod({ namespace, body: podManifest(settings, run) });
}

/** A pod's record, from a byte on. @throws if the pod does not respond */
export const recordOf = (
  config: KubeConfig,
  { namespace }: Load,
  pod: string,
  from = 0,
): Promise<HttpAnswer> =>
  ask(
    config,
    { namespace, name: pod, port },
    { pod, path: "/record.txt", within: 5, headers: { range: `bytes=${from}-` } },
  );

/** Traces of chaos that the sender dropped: those without a 2xx response within its minute. */
export async function givenUp(config: KubeConfig): Promise<number[]> {
  const { body } = await recordOf(config, load, load.name);
  return readRecord(body)
    .spans.filter(({ status }) => !taken(status))
    .map(({ batch }) => batch);
}
