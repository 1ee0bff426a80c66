/** Values that several charts share. */
import { scryptSync } from "node:crypto";
import { owner } from "../names";
import type { Cache, Settings } from "../settings";
import { cacheMemory } from "../settings/fit";
import { usableMemory } from "../settings/protection";
import { cpuQuantity, megabytes, quantity } from "../settings/units";

/** Known checksums: several objects have the same data, and tests compute the values of many stacks. */
const checksums = new Map<string, string>();

/** A checksum that does not reveal the data. It is slow to compute, so that short secrets cannot be guessed. */
export function checksum(data: unknown): string {
  const text = JSON.stringify(data);
  const known = checksums.get(text) ?? scryptSync(text, "observability", 16, { N: 4096 }).toString("hex");
  checksums.set(text, known);
  return known;
}

/** Values of a chart: plain data, without Pulumi outputs. */
export type Values = Record<string, unknown>;

/** Annotations of an object with data, or of a CRD, which Helm then keeps when the release is deleted. */
export const resourcePolicy = ({ cluster }: Pick<Settings, "cluster">): Record<string, string> =>
  cluster.protect ? { "helm.sh/resource-policy": "keep" } : {};

/** Requests and the memory limit. No CPU limit: it would throttle a component while cores are idle. */
export const resources = (w: { cpu: number; memory: number; memoryLimit: number }) => ({
  requests: { cpu: cpuQuantity(w.cpu), memory: quantity(w.memory) },
  limits: { memory: quantity(w.memoryLimit) },
});

/** Resources of a memcached with that much memory for cached items. */
export const cacheResources = ({ cpu, memory }: Cache) =>
  resources({ cpu, memory: cacheMemory(memory), memoryLimit: cacheMemory(memory) });

/** A memcached in the format of Loki's and Mimir's charts; disabled without replicas. */
export const memcached = (cache: Cache, more: Values = {}): Values => ({
  enabled: cache.replicas > 0,
  ...(cache.replicas > 0 && {
    replicas: cache.replicas,
    allocatedMemory: megabytes(cache.memory),
    resources: cacheResources(cache),
    ...more,
  }),
});

/** Go's soft memory limit, below the hard limit, so that garbage is collected before an OOM kill. */
export const goMemoryLimit = ({ memoryLimit }: { memoryLimit: number }) => ({
  GOMEMLIMIT: String(Math.floor(memoryLimit * usableMemory)),
});

/**
 * Detects lost clients in the `server` of Loki, Mimir and Tempo. Queriers are clients of a query-frontend or scheduler.
 * By default, a query on a dead querier waits until `queries.timeout`, because the first probe is after 2 h:
 * https://grafana.com/docs/mimir/latest/configure/configuration-parameters/#server
 */
export const grpcServerKeepalive = { grpc_server_keepalive_time: "10s", grpc_server_keepalive_timeout: "5s" };

/**
 * Retries of DNS lookups. A lost node with a replica of the cluster's DNS stays in its Service for about 45 s, and every
 * other lookup gets no response. By default each of these takes 5 s, and a lookup that lost two attempts fails:
 * https://man7.org/linux/man-pages/man5/resolv.conf.5.html
 */
export const dnsConfig = {
  options: [
    { name: "timeout", value: "1" },
    { name: "attempts", value: "5" },
  ],
};

/** Labels of the monitors of the stack itself: Prometheus scrapes it, so that alerts on Mimir do not depend on Mimir. */
export const watchedByPrometheus = { [owner.scraper]: "prometheus" };

/** Role of the replicas: members of a quorum, which stops if two of them are lost, or interchangeable. */
export type Role = "quorum" | "interchangeable";

/** Whether the scheduler must keep the replicas apart, or only prefers to. */
export const requiresSeparateNodes = ({ cluster }: Settings, role: Role): boolean =>
  cluster.antiAffinity === "required" || (cluster.antiAffinity === "quorum" && role === "quorum");

/**
 * Schedules pods with the same labels on different nodes, according to `cluster.antiAffinity`; `null` removes a chart's
 * default.
 */
export function antiAffinity(settings: Settings, matchLabels: Record<string, string>, role: Role) {
  if (settings.cluster.antiAffinity === "none") return null;
  const term = { labelSelector: { matchLabels }, topologyKey: "kubernetes.io/hostname" };
  return {
    podAntiAffinity: requiresSeparateNodes(settings, role)
      ? { requiredDuringSchedulingIgnoredDuringExecution: [term] }
      : { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] },
  };
}

/**
 * Spreads pods with the same labels evenly over zones, if `cluster.zones` says that there are any. For a quorum the
 * spread is required: a pod of a lost zone waits for its zone, and does not give another zone a majority.
 */
export const overZones = (settings: Settings, matchLabels: Record<string, string>, role: Role) =>
  settings.cluster.antiAffinity === "none" || !settings.cluster.zones
    ? []
    : [
        {
          maxSkew: 1,
          topologyKey: "topology.kubernetes.io/zone",
          whenUnsatisfiable:
            role === "quorum" && requiresSeparateNodes(settings, role) ? "DoNotSchedule" : "ScheduleAnyway",
          labelSelector: { matchLabels },
        },
      ];

/** Scheduling of pods with the same labels: `antiAffinity` and `overZones` in the format of most charts. */
export const placement = (
  settings: Settings,
  matchLabels: Record<string, string>,
  role: Role = "interchangeable",
) => ({
  affinity: antiAffinity(settings, matchLabels, role),
  topologySpreadConstraints: overZones(settings, matchLabels, role),
});

/** One pod of several may be unavailable; a single pod never blocks a drain. */
export const disruptionBudget = ({ replicas }: { replicas: number }) =>
  replicas > 1 ? { enabled: true, maxUnavailable: 1 } : { enabled: false };

/**
 * A terminating distributor keeps serving until clients have seen that it is not ready, and then finishes its requests.
 */
export const leavesEndpoints = { shutdownDelay: "15s", terminationGracePeriodSeconds: 60 };

/** An image's repository; `images.registry` replaces its registry if set. */
export function mirrored({ images }: Settings, repository: string): string {
  if (!images.registry) return repository;
  const [first = "", ...path] = repository.split("/");
  const hasRegistry = path.length > 0 && /[.:]|^localhost$/.test(first);
  return [images.registry, ...(hasRegistry ? path : [first, ...path])].join("/");
}

/** Start of the tag of an image: after a registry's port, and before the digest. */
const colonOf = (reference: string): number => reference.indexOf(":", reference.lastIndexOf("/"));

/** An image reference in two parts, with its registry replaced as in `mirrored`. A digest stays with the tag. */
export function image(settings: Settings, reference: string): { repository: string; tag: string } {
  const end = colonOf(reference);
  return { repository: mirrored(settings, reference.slice(0, end)), tag: reference.slice(end + 1) };
}

/** The tag of an image, for charts that set its registry and repository themselves. */
export const tagOf = (reference: string): string => reference.slice(colonOf(reference) + 1);

/** Environment variables in the format of a container. */
export const environment = (variables: Record<string, string>) =>
  Object.entries(variables).map(([name, value]) => ({ name, value }));

/** Names of the image pull Secrets, in the format of `imagePullSecrets`. */
export const pullSecrets = ({ images }: Settings) => (images.pullSecret ? [{ name: images.pullSecret }] : []);

/** A container that complies with Pod Security's `restricted` level. */
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};

/** A container that reads the node's files as root, without root's other capabilities. */
export const readingAsRoot = {
  runAsUser: 0,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

/**
 * A pattern that matches exactly these texts, and no text if the list is empty. It has no backslash, because quoted
 * LogQL strings interpret backslashes.
 */
export const anyOf = (texts: string[]): string =>
  texts.length ? texts.map((text) => text.replace(/[.*+?${}()|[\]]/g, "[$&]")).join("|") : "a^";
