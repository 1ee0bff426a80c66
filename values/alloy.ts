/**
 * Values of the alloy chart that all Alloys share:
 * https://github.com/grafana/alloy/tree/main/operations/helm/charts/alloy
 */

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

/** Path of an Alloy's positions and write-ahead log. */
export const storagePath = "/var/lib/alloy";

/** Path of an Alloy's server certificate. */
export const certificateFolder = "/etc/alloy-tls";

/** A file of `values/alloy`. */
export const alloyFile = (path: string): string => readFileSync(projectFile("values", "alloy", path), "utf8");

/** A pipeline in Alloy's syntax: the files of `values/alloy/<name>` in order. */
export const alloyPipeline = (name: "logs" | "metrics" | "traces"): string =>
  readdirSync(projectFile("values", "alloy", name))
    .filter((file) => file.endsWith(".alloy"))
    .sort()
    .map((file) => alloyFile(join(name, file)))
    .join("\n");

/** The chart runs the pipeline through Helm's template engine; this escapes the pipeline's own double braces. */
const escapeTemplate = (text: string) => text.replaceAll("{{", '{{ "{{" }}');

/** Differences between the Alloys. */
export interface AlloyParts {
  /** Release name, and name prefix of the chart's objects. */
  release: string;
  pipeline: string;
  /** Environment variables of the pipeline. */
  environment: Record<string, string>;
  /** Environment variables with fields of the pod, by variable. */
  podFields?: Record<string, string>;
  /** Gateway users whose passwords it gets. */
  clientOf: Credential[];
  /** Resources of each pod, and the size of its buffer in bytes. */
  pod: { cpu: number; memory: number; memoryLimit: number; buffer: number };
  /**
   * Volume of its storage: one of the pod, or the spec of a PVC for each pod. @default an emptyDir with the size of its
   * buffer
   */
  storage?: { volume: Values } | { claim: Values };
  /** More volumes, with their mounts. */
  volumes?: { volume: Values; mount: Values }[];
  /** Secret with its server certificate. */
  certificate?: string;
  /** More of the chart's `alloy` and `controller`. */
  alloy: Values;
  controller: Values;
  rbac: Values;
  serviceAccount?: Values;
}

/** Values of one Alloy: no reloader, no usage reporting, a bounded buffer, and only the given permissions. */
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
    // Without the reloader, a changed pipeline rolls the pods, and every pod has one container less.
    configReloader: { enabled: false },
    rbac: parts.rbac,
    ...(parts.serviceAccount && { serviceAccount: parts.serviceAccount }),
    // An agent has no Prometheus, so its Alloy scrapes itself.
    serviceMonitor: { enabled: true, additionalLabels: settings.hub ? {} : watchedByPrometheus },
    crds: { create: false },
  };
}
