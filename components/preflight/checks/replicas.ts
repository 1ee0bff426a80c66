import { namespaces, prefixed, releases } from "../../../names";
import type { Settings } from "../../../settings";
import { type Check, error, type Finding, warning } from "../check";
import type { Facts } from "../facts";

type Live = Pick<Facts, "statefulSets" | "pods">;

/** A StatefulSet whose members hold data that other members need. */
interface Members {
  /** Setting of its replicas. */
  path: string;
  wanted: number;
  namespace: string;
  name: string;
  /** Maximum number of members that may be removed at once. */
  atOnce: number;
  /** The reason. */
  because: string;
}

const ingesters = (store: "Loki" | "Mimir" | "Tempo") =>
  `an ingester of ${store} that is removed at once loses the data that it has not written to object storage`;

function members(settings: Settings): Members[] {
  const { loki, mimir, tempo } = settings;
  const of = (
    store: "loki" | "mimir" | "tempo",
    key: string,
    suffix: string,
    wanted: number,
    atOnce: number,
    because: string,
  ) => ({
    path: `${store}.${key}.replicas`,
    wanted,
    namespace: namespaces(settings)[store],
    name: `${releases[store]}-${suffix}`,
    atOnce,
    because,
  });
  return [
    of("loki", "ingester", "ingester", loki.ingester.replicas, 0, ingesters("Loki")),
    of("mimir", "ingester", "ingester", mimir.ingester.replicas, 0, ingesters("Mimir")),
    of(
      "mimir",
      "storeGateway",
      "store-gateway",
      mimir.storeGateway.replicas,
      1,
      "the other store-gateways must load the blocks of a removed one before the next is removed",
    ),
    of(
      "mimir",
      "alertmanager",
      "alertmanager",
      mimir.alertmanager.replicas,
      2,
      "the state of a tenant is on three Alertmanagers, and one of them must stay",
    ),
    of("tempo", "ingester", "ingester", tempo.ingester.replicas, 0, ingesters("Tempo")),
  ];
}

/** Replicas of a StatefulSet, or those of the pods that `upgrade --volumes` left of it; none without either. */
function replicasOf({ statefulSets, pods }: Live, namespace: string, name: string): number | undefined {
  const set = statefulSets.find(
    ({ metadata }) => metadata?.namespace === namespace && metadata.name === name,
  );
  if (set) return set.spec?.replicas;
  const member = new RegExp(`^${name}-(\\d+)$`);
  const numbers = pods
    .filter(({ metadata }) => metadata?.namespace === namespace)
    .flatMap(({ metadata }) => member.exec(metadata?.name ?? "")?.[1] ?? []);
  return numbers.length ? Math.max(...numbers.map(Number)) + 1 : undefined;
}

function findingOf(stack: string, live: Live, member: Members): Finding[] {
  const { path, wanted, namespace, name, atOnce, because } = member;
  const has = replicasOf(live, namespace, name);
  if (has === undefined || has - wanted <= atOnce) return [];
  const least = has - atOnce;
  return [
    error({
      path,
      was: wanted,
      allowed: `${least} or more: StatefulSet ${namespace}/${name} has ${has} replicas, and ${because}`,
      change: atOnce
        ? `Lower it step by step: pulumi config set --stack ${stack} --path '${path}' ${least}, run up, wait until all pods are ready, and repeat`
        : `Scale in one by one as docs/guides/scaling.md#scale-in describes, until the StatefulSet has ${wanted} replicas; then run this command again`,
    }),
  ];
}

/** A removed Alloy for traces keeps the spans in its queue on its volume, which no other pod reads. */
function strandedSpans(settings: Settings, live: Live): Finding[] {
  const { replicas } = settings.alloyTraces;
  const namespace = namespaces(settings).alloyTraces;
  const name = prefixed(settings, releases.alloyTraces);
  const has = replicasOf(live, namespace, name);
  if (has === undefined || has <= replicas) return [];
  return [
    warning({
      path: "alloyTraces.replicas",
      was: replicas,
      allowed: `${has} or more while Tempo is unavailable or behind: StatefulSet ${namespace}/${name} has ${has} replicas, and spans in the queue of a removed pod stay on its PVC until the number is raised again`,
    }),
  ];
}

/** Members of a ring are never removed only by a lower number of replicas. */
export const check: Check<keyof Live> = {
  name: "replicas",
  needs: ["statefulSets", "pods"],
  protectsData: true,
  find: ({ stack, settings, facts }) => [
    ...members(settings).flatMap((member) => findingOf(stack, facts, member)),
    ...strandedSpans(settings, facts),
  ],
};
