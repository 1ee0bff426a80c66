import type { V1Pod } from "@kubernetes/client-node";
import { namespaces, type Store } from "../../../../names";
import type { Settings } from "../../../../settings";
import { isReady } from "../../../lib/objects";
import { podText } from "../../../lib/tunnel";
import { type Check, type Finding, findingIn } from "../check";
import { age, podsOf, settling } from "../cluster-state";

const ports = { loki: 3100, mimir: 8080, tempo: 3200 } as const;

/** Every ring of a stack with these settings: the component whose pods are its members, and where it can be read. */
export function rings(settings: Settings) {
  const ring = (store: Store, name: string, path = `/${name}/ring`, shownBy = [name]) => {
    // Data is lost or signals are rejected without it.
    const vital = name === "ingester";
    // Members that a write or a read needs: more than half of the copies are written.
    const needs = vital ? Math.floor(settings[store].replicationFactor / 2) + 1 : 1;
    return { store, name, path, shownBy, needs, vital };
  };
  const writers = ["distributor", "ingester", "querier"];
  return [
    ring("loki", "ingester", "/ring", writers),
    ring("loki", "distributor"),
    ring("loki", "compactor"),
    ring("mimir", "ingester", "/ingester/ring", writers),
    ring("mimir", "distributor"),
    ring("mimir", "store-gateway"),
    ring("mimir", "compactor"),
    ring("mimir", "ruler"),
    ring("mimir", "alertmanager", "/multitenant_alertmanager/ring"),
    ring("tempo", "ingester", "/ingester/ring", writers),
    ring("tempo", "distributor"),
    ring("tempo", "compactor"),
    ring("tempo", "metrics-generator", "/metrics-generator/ring", ["distributor"]),
  ];
}

export type Ring = ReturnType<typeof rings>[number];

/** A member, as a ring's page has it. */
export interface Member {
  id: string;
  state: string;
}

/** What is wrong with a ring. @param pods those that should be its members */
export function judgeRing(ring: Ring, members: Member[], pods: V1Pod[], now: number): Finding[] {
  const { store, name, needs, vital, path } = ring;
  const alert = store === "loki" && vital ? "LokiIngesterUnhealthy" : "RingUnhealthy";
  const finding = findingIn("components", `docs/operations/runbooks/${alert}.md`);
  const states = `${path}: ${members.map(({ id, state }) => `${id} ${state}`).join(", ") || "no members"}`;
  const active = members.filter(({ state }) => state === "ACTIVE").length;
  const names = pods.map(({ metadata }) => metadata?.name ?? "");
  const list = `kubectl -n ${store} get pods`;
  const unreached = (pod: string) =>
    `gossip does not reach it: check port 7946 between the pods, or kubectl -n ${store} delete pod ${pod}`;
  const found: Finding[] = [];
  if (active < needs) {
    const young = pods.some((pod) => age(pod, now) < settling);
    found.push(
      finding[young ? "note" : vital ? "critical" : "warning"](
        `the ring ${name} of ${store} has ${active} members that work, and needs ${needs}`,
        states,
        young ? "wait a minute: a member has just started" : `find out why the others do not run: ${list}`,
      ),
    );
  }
  for (const { id, state } of members.filter((one) => /unhealthy/i.test(one.state))) {
    const runs = names.includes(id);
    // A component without a volume leaves the ring by itself; an ingester's pod comes back with its name.
    const gone = vital
      ? `find out why its pod does not run: ${list}; the page says when to forget the member`
      : "none: the ring forgets it within a quarter of an hour";
    found.push(
      finding[vital ? "warning" : "note"](
        `${id} is unhealthy in the ring ${name} of ${store}${runs ? "" : ", and no pod of that name runs"}`,
        `${path}: ${id} ${state}`,
        runs ? unreached(id) : gone,
      ),
    );
  }
  for (const pod of pods.filter((one) => isReady(one) && age(one, now) >= settling)) {
    const id = pod.metadata?.name ?? "";
    if (members.some((member) => member.id === id)) continue;
    const what = `${id} runs and is not in the ring ${name} of ${store}`;
    found.push(finding.warning(what, states, unreached(id)));
  }
  return found;
}

/** Members of the rings of Loki, Mimir and Tempo. If no pod can show a ring, the check of pods reports it. */
export const check: Check = {
  name: "rings",
  async look({ config, settings, cluster }) {
    const all = await cluster.pods();
    const judged = rings(settings).map(async (ring) => {
      const { store, shownBy, name, path } = ring;
      const namespace = namespaces(settings)[store];
      const shows = shownBy.flatMap((component) => podsOf(all, namespace, component)).find(isReady);
      if (!shows) return [];
      const pod = shows.metadata?.name ?? "";
      const target = { namespace, selector: "", pod, port: ports[store] };
      const { shards } = JSON.parse(await podText(config, target, path)) as { shards: Member[] | null };
      return judgeRing(ring, shards ?? [], podsOf(all, namespace, name), Date.now());
    });
    return (await Promise.all(judged)).flat();
  },
};
