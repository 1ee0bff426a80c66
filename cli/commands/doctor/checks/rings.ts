import type { Store } from "../../../../names";
import type { Settings } from "../../../../settings";
import { type Check, type Finding, findingIn } from "../check";
import { age, askPod, settling, type Talker, talkers } from "../readings";

/** A ring, and where it can be seen. */
export interface Ring {
  store: Store;
  name: string;
  /** Components that are its members, and those that show it, as in names of pods. */
  members: string;
  shownBy: string[];
  path: string;
  /** Members that must be there for a write or a read to succeed. */
  needs: number;
  /** Whether data is lost or signals are refused without it. */
  vital: boolean;
}

/** Every ring of a stack with these settings. */
export function rings({ loki, mimir, tempo }: Settings): Ring[] {
  /** Of copies more than half are written. */
  const quorum = (factor: number) => Math.floor(factor / 2) + 1;
  const ring = (
    store: Store,
    name: string,
    path: string,
    { shownBy = [name], needs = 1, vital = false }: Partial<Ring> = {},
  ): Ring => ({ store, name, members: `${store}-${name}`, shownBy, path, needs, vital });
  const writers = ["distributor", "ingester", "querier"];
  return [
    ring("loki", "ingester", "/ring", {
      shownBy: writers,
      needs: quorum(loki.replicationFactor),
      vital: true,
    }),
    ring("loki", "distributor", "/distributor/ring"),
    ring("loki", "compactor", "/compactor/ring"),
    ring("mimir", "ingester", "/ingester/ring", {
      shownBy: writers,
      needs: quorum(mimir.replicationFactor),
      vital: true,
    }),
    ring("mimir", "distributor", "/distributor/ring"),
    ring("mimir", "store-gateway", "/store-gateway/ring"),
    ring("mimir", "compactor", "/compactor/ring"),
    ring("mimir", "ruler", "/ruler/ring"),
    ring("mimir", "alertmanager", "/multitenant_alertmanager/ring"),
    ring("tempo", "ingester", "/ingester/ring", {
      shownBy: writers,
      needs: quorum(tempo.replicationFactor),
      vital: true,
    }),
    ring("tempo", "distributor", "/distributor/ring"),
    ring("tempo", "compactor", "/compactor/ring"),
    ring("tempo", "metrics-generator", "/metrics-generator/ring", { shownBy: ["distributor"] }),
  ];
}

/** A member, as a ring's page has it. */
export interface Member {
  id: string;
  state: string;
}

/**
 * What is wrong with a ring.
 *
 * @param pods those that should be its members
 */
export function judgeRing(ring: Ring, members: Member[], pods: Talker[], now: number): Finding[] {
  const { store, name, needs, vital, path } = ring;
  const page =
    store === "loki" && vital
      ? "docs/operations/runbooks/LokiIngesterUnhealthy.md"
      : "docs/operations/runbooks/RingUnhealthy.md";
  const finding = (severity: Finding["severity"], what: string, evidence: string, fix: string): Finding =>
    findingIn("components")(severity, what, `${path}: ${evidence}`, fix, page);
  const states = members.map(({ id, state }) => `${id} ${state}`).join(", ") || "no members";
  const active = members.filter(({ state }) => state === "ACTIVE");
  const young = pods.some((pod) => age(pod, now) < settling);
  const found: Finding[] = [];
  if (active.length < needs)
    found.push(
      finding(
        young ? "note" : vital ? "critical" : "warning",
        `the ring ${name} of ${store} has ${active.length} members that work, and needs ${needs}`,
        states,
        young
          ? "wait a minute: a member started a moment ago"
          : `see why the others do not run: kubectl -n ${store} get pods`,
      ),
    );
  const names = new Set(pods.map(({ pod }) => pod));
  for (const { id, state } of members.filter(({ state }) => /unhealthy/i.test(state)))
    found.push(
      finding(
        // What keeps nothing on a volume is forgotten by itself; an ingester's pod would come back by its name.
        vital ? "warning" : "note",
        `${id} is unhealthy in the ring ${name} of ${store}${names.has(id) ? "" : ", and no pod of that name runs"}`,
        `${id} ${state}`,
        names.has(id)
          ? `gossip does not reach it: port 7946 between the pods; else kubectl -n ${store} delete pod ${id}`
          : vital
            ? `see why its pod does not run: kubectl -n ${store} get pods; the page says when to forget it`
            : "nothing: it is forgotten within a quarter of an hour",
      ),
    );
  for (const pod of pods.filter(({ pod, ready }) => ready && !members.some(({ id }) => id === pod)))
    if (age(pod, now) >= settling)
      found.push(
        finding(
          "warning",
          `${pod.pod} runs and is not in the ring ${name} of ${store}`,
          states,
          `gossip does not reach it: port 7946 between the pods; else kubectl -n ${store} delete pod ${pod.pod}`,
        ),
      );
  return found;
}

/** Members of the rings of Loki, Mimir and Tempo. A ring that nobody can show is not judged: its pods are, elsewhere. */
export const check: Check = {
  name: "rings",
  async look(context) {
    const all = await talkers(context);
    const judged = await Promise.all(
      rings(context.settings).map(async (ring) => {
        const { store, shownBy, members, path } = ring;
        const shows = shownBy
          .flatMap((name) => all.filter(({ component }) => component === `${store}-${name}`))
          .find(({ ready }) => ready);
        if (!shows) return [];
        const { status, body } = await askPod(context, shows, path);
        if (status !== 200) throw new Error(`${shows.pod} answers ${status} to ${path}`);
        const { shards } = JSON.parse(body) as { shards: Member[] | null };
        const pods = all.filter(({ key, component }) => key === store && component === members);
        return judgeRing(ring, shards ?? [], pods, Date.now());
      }),
    );
    return judged.flat();
  },
};
