/** Test 10: a component that is killed heals, and nothing is lost meanwhile (R16). Only where that was asked for. */
import { CoreV1Api } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import { ifThere, isReady } from "../../lib/objects";
import { podText } from "../../lib/tunnel";
import { said, stream } from "./app";
import { type Check, type Context, Skipped } from "./check";
import { linesOf } from "./logs";
import { lines as mostLines } from "./manifest";

const ingesters = "app.kubernetes.io/component=ingester";
/** Lines that the application has to write after the ingester is back. */
const after = 10;

/** Numbers from 1 to `last` that are not among those that were found. */
export function missingOf(found: number[], last: number): number[] {
  const there = new Set(found);
  return Array.from({ length: last }, (_, index) => index + 1).filter((n) => !there.has(n));
}

/** Members of the ring by their state, as a distributor sees them. */
async function ring({ config, settings }: Context): Promise<Record<string, string>> {
  const pods = {
    namespace: namespaces(settings).loki,
    selector: "app.kubernetes.io/component=distributor",
    port: 3100,
  };
  const { shards } = JSON.parse(await podText(config, pods, "/ring")) as {
    shards: { id: string; state: string }[];
  };
  return Object.fromEntries(shards.map(({ id, state }) => [id, state]));
}

/** Numbers of the application's lines that Loki has. */
async function numbersOf({ view, run, begun }: Context): Promise<number[]> {
  const lines = await linesOf(view, `${stream} |= "run=${run}"`, begun, Date.now());
  return lines.map(({ text }) => Number(/ n=(\d+)/.exec(text)?.[1] ?? 0));
}

export const healing: Check[] = [
  {
    number: 10,
    name: "a component that is killed heals, and no line is lost",
    needs: [1, 2, 3],
    async show(context) {
      const { config, settings, disruptive, until } = context;
      if (!disruptive) throw new Skipped("it kills an ingester of Loki, which only --disruptive allows");
      const { loki: namespace } = namespaces(settings);
      const core = config.makeApiClient(CoreV1Api);
      const { items } = await core.listNamespacedPod({ namespace, labelSelector: ingesters });
      const [victim] = items;
      const name = victim?.metadata?.name;
      if (!victim || !name || !items.every(isReady))
        throw new Error("not every ingester of Loki is ready; none was killed");
      const before = Object.keys(await ring(context));
      const { last: atKill } = await said(config);
      const killed = Date.now();
      // A second to end: it is killed and has to read its write-ahead log again.
      await core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 1 });
      await until(300, `another ${name} that is ready`, async () => {
        const found = await ifThere(core.readNamespacedPod({ namespace, name }));
        return found && found.metadata?.uid !== victim.metadata?.uid && isReady(found) ? found : undefined;
      });
      const ready = Date.now();
      await until(120, "every ingester in the ring", async () => {
        const now = await ring(context);
        return before.every((id) => now[id] === "ACTIVE") || undefined;
      });
      const healed = Date.now();
      const last = await until(60, `${after} lines after that`, async () => {
        const now = await said(config);
        return now.last >= Math.min(mostLines, atKill + Math.ceil((healed - killed) / 1000) + after) - 5
          ? now.last
          : undefined;
      });
      const found = await until(180, `every line from 1 to ${last}`, async () => {
        const numbers = await numbersOf(context);
        const missing = missingOf(numbers, last);
        if (missing.length)
          throw new Error(
            `${missing.length} of ${last} lines are not in Loki: ${missing.slice(0, 20).join(", ")}`,
          );
        return numbers;
      });
      const seconds = (to: number) => ((to - killed) / 1000).toFixed(1);
      return [
        {
          asked: `pod ${namespace}/${name} was deleted with a second to end, at line ${atKill}`,
          answer: `another is ready after ${seconds(ready)} s, ${before.length} of ${before.length} in the ring ACTIVE after ${seconds(healed)} s`,
        },
        {
          asked: `lines 1 to ${last}, written one a second before, during and after`,
          answer: `none is missing, ${found.length - new Set(found).size} are there twice; all were found ${seconds(Date.now())} s after the kill`,
        },
      ];
    },
  },
];
