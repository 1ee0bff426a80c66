/** Test 10: a killed component recovers, and no line is lost. Only with --disruptive. */
import { CoreV1Api } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import { ifExists, isReady } from "../../lib/objects";
import { podText } from "../../lib/tunnel";
import { said, streamOf } from "./app";
import { type Check, type Context, evidence, Skipped, skipAgents } from "./check";
import { linesOf } from "./logs";
import { lines as mostLines } from "./manifest";

const component = (name: string) => `app.kubernetes.io/component=${name}`;
/** Lines that the application has to write after the ingester has recovered. */
const after = 10;

/** Numbers from 1 to `last` that were not found. */
export function missingOf(found: number[], last: number): number[] {
  const all = new Set(found);
  return Array.from({ length: last }, (_, index) => index + 1).filter((n) => !all.has(n));
}

/** Ids of the ring's members that are ACTIVE, or of all, as a distributor sees them. */
async function members({ config, settings }: Context, active: boolean): Promise<string[]> {
  const pods = { namespace: namespaces(settings).loki, selector: component("distributor"), port: 3100 };
  const { shards } = JSON.parse(await podText(config, pods, "/ring")) as {
    shards: { id: string; state: string }[];
  };
  return shards.filter(({ state }) => !active || state === "ACTIVE").map(({ id }) => id);
}

/** Numbers of the application's lines in Loki, from 1 to `last`. @throws if one is missing */
async function allLines({ settings, view, run, begun }: Context, last: number): Promise<number[]> {
  const lines = await linesOf(view, `${streamOf(settings)} |= "run=${run}"`, begun, Date.now());
  const found = lines.map(({ text }) => Number(/ n=(\d+)/.exec(text)?.[1] ?? 0));
  const missing = missingOf(found, last);
  if (!missing.length) return found;
  throw new Error(`${missing.length} of ${last} lines are not in Loki: ${missing.slice(0, 20).join(", ")}`);
}

export const healing: Check = {
  number: 10,
  name: "a killed component recovers, and no line is lost",
  needs: [1, 2, 3],
  async show(context) {
    const { config, settings, disruptive, until } = context;
    skipAgents(settings);
    if (!disruptive) throw new Skipped("it kills an ingester of Loki, which only --disruptive allows");
    const { loki: namespace } = namespaces(settings);
    const core = config.makeApiClient(CoreV1Api);
    const { items } = await core.listNamespacedPod({ namespace, labelSelector: component("ingester") });
    const [victim] = items;
    const name = victim?.metadata?.name;
    if (!victim || !name || !items.every(isReady))
      throw new Error("not every ingester of Loki is ready; none was killed");
    const before = await members(context, false);
    const { last: atKill } = await said(config);
    const killed = Date.now();
    // With a second to end it is killed, and has to replay its write-ahead log.
    await core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 1 });
    await until(300, `new ${name} that is ready`, async () => {
      const found = await ifExists(core.readNamespacedPod({ namespace, name }));
      return found && found.metadata?.uid !== victim.metadata?.uid && isReady(found) ? found : undefined;
    });
    const ready = Date.now();
    await until(120, "ring with every ingester ACTIVE", async () => {
      const active = await members(context, true);
      return before.every((id) => active.includes(id)) || undefined;
    });
    const healed = Date.now();
    const least = Math.min(mostLines, atKill + Math.ceil((healed - killed) / 1000) + after) - 5;
    const last = await until(60, `${after} lines after that`, async () => {
      const now = await said(config);
      return now.last >= least ? now.last : undefined;
    });
    const found = await until(180, `every line from 1 to ${last}`, () => allLines(context, last));
    const seconds = (to: number) => ((to - killed) / 1000).toFixed(1);
    const twice = found.length - new Set(found).size;
    return [
      evidence(
        `pod ${namespace}/${name} was deleted with a second to end, at line ${atKill}`,
        `a new one is ready after ${seconds(ready)} s, ${before.length} of ${before.length} in the ring ACTIVE after ${seconds(healed)} s`,
      ),
      evidence(
        `lines 1 to ${last}, written one a second before, during and after`,
        `none is missing, ${twice} exist twice; all were found ${seconds(Date.now())} s after the kill`,
      ),
    ];
  },
};
