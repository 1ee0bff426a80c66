/** What all Alloys have in common, as values of the alloy chart: https://github.com/grafana/alloy/tree/main/operations/helm/charts/alloy */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pins from "../charts.json";
import { projectFile } from "../files";
import { prefixed } from "../names";
import type { Settings } from "../settings";
import { quantity } from "../settings/units";
import { type Credential, clientPasswords } from "./gateway";
import { everyInterface, isIpv6 } from "./ip-family";
import { privateCas } from "./outside";
import {
  environment,
  goMemoryLimit,
  pullSecrets,
  resources,
  tagOf,
  type Values,
  watchedByPrometheus,
} from "./shared";

/** User and group of Alloy's image: https://github.com/grafana/alloy/blob/main/Dockerfile */
export const alloyUser = 473;

/** Where an Alloy keeps its positions and write-ahead log. */
export const storagePath = "/var/lib/alloy";

/** Where an Alloy has the certificate that it is served with. */
export const certificateFolder = "/etc/alloy-tls";

/** A file of `values/alloy`. */
export const alloyFile = (path: string): string => readFileSync(projectFile("values", "alloy", path), "utf8");

/** A pipeline as Alloy reads it: the files of `values/alloy/<name>`, one after the other. */
export const alloyPipeline = (name: "logs" | "metrics" | "traces"): string =>
  readdirSync(projectFile("values", "alloy", name))
    .filter((file) => file.endsWith(".alloy"))
    .sort()
    .map((file) => alloyFile(join(name, file)))
    .join("\n");

/** The chart runs the pipeline through Helm's template engine; this keeps its own double braces as they are. */
const escapeTemplate = (text: string) => text.replaceAll("{{", '{{ "{{" }}');

/** What differs between the Alloys. */
export interface AlloyParts {
  /** Release name, and prefix of what the chart creates. */
  release: string;
  pipeline: string;
  /** What the pipeline reads from its environment. */
  environment: Record<string, string>;
  /** What it reads there of its own pod: fields of the pod, by variable. */
  podFields?: Record<string, string>;
  /** Whose passwords it has, as a client of the gateways. */
  clientOf: Credential[];
  /** Resources of each pod, and the size of its buffer in bytes. */
  pod: { cpu: number; memory: number; memoryLimit: number; buffer: number };
  /** Volume of its storage: one of the pod, or the spec of a PVC for each pod. @default an emptyDir that is as large as its buffer */
  storage?: { volume: Values } | { claim: Values };
  /** More volumes, with their mounts. */
  volumes?: { volume: Values; mount: Values }[];
  /** Secret with the certificate that it is served with. */
  certificate?: string;
  /** More of the chart's `alloy` and `controller`. */
  alloy: Values;
  controller: Values;
  rbac: Values;
  serviceAccount?: Values;
}

/** Values of one Alloy: no reloader, no reporting, a bounded buffer, and no rights but those given. */
export function alloyValues(settings: Settings, parts: AlloyParts): Values {
  const { pipeline, pod } = parts;
  const { registry } = settings.images;
  const passwords = clientPasswords(parts.clientOf, settings.hub);
  const { certificate: name } = parts;
  const trusted = settings.hub ? privateCas(settings) : { volumes: [], mounts: [] };
  const storage = parts.storage ?? { volume: { emptyDir: { sizeLimit: quantity(pod.buffer) } } };
  return {
    fullnameOverride: prefixed(settings, parts.release),
    global: {
      image: { ...(registry && { registry }), pullSecrets: pullSecrets(settings) },
      ...("claim" in storage && {
        podSecurityContext: { fsGroup: alloyUser, fsGroupChangePolicy: "OnRootMismatch" },
      }),
    },
    image: { tag: tagOf(pins.alloy.image) },
    alloy: {
      configMap: { content: escapeTemplate(pipeline) },
      enableReporting: false,
      ...(isIpv6(settings) && { listenAddr: everyInterface(settings) }),
      storagePath,
      extraEnv: [
        ...environment({ ...parts.environment, ...goMemoryLimit(pod) }),
        ...Object.entries(parts.podFields ?? {}).map(([name, fieldPath]) => ({
          name,
          valueFrom: { fieldRef: { fieldPath } },
        })),
      ],
      resources: resources(pod),
      ...parts.alloy,
      mounts: {
        ...(parts.alloy["mounts"] as Values),
        extra: [
          { name: "storage", mountPath: storagePath },
          passwords.mount,
          ...(parts.volumes ?? []).map(({ mount }) => mount),
          ...trusted.mounts,
          ...(name ? [{ name, mountPath: certificateFolder, readOnly: true }] : []),
        ],
      },
    },
    controller: {
      ...parts.controller,
      volumes: {
        extra: [
          ...("volume" in storage ? [{ name: "storage", ...storage.volume }] : []),
          passwords.volume,
          ...(parts.volumes ?? []).map(({ volume }) => volume),
          ...trusted.volumes,
          ...(name ? [{ name, secret: { secretName: name } }] : []),
        ],
      },
      ...("claim" in storage && {
        volumeClaimTemplates: [{ metadata: { name: "storage" }, spec: storage.claim }],
      }),
    },
    // Without its reloader the chart rolls the pods when the pipeline changes, which spares every pod a container.
    configReloader: { enabled: false },
    rbac: parts.rbac,
    ...(parts.serviceAccount && { serviceAccount: parts.serviceAccount }),
    // An agent has no Prometheus: Alloy scrapes itself.
    serviceMonitor: { enabled: true, additionalLabels: settings.hub ? {} : watchedByPrometheus }, // R12
    crds: { create: false },
  };
}
