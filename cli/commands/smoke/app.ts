/** Tests 1 and 2: an application is deployed, and it produces logs, metrics and traces. */
import { CoreV1Api, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { address, smokeTest, usesTls } from "../../../names";
import type { Settings } from "../../../settings";
import { isReady, troubleOf } from "../../lib/objects";
import { bodyOf } from "../../lib/service";
import { type Check, type Context, evidence } from "./check";
import { appManifest, lines, spansTo } from "./manifest";

const { namespace, app } = smokeTest;

/** A trace that Alloy accepted, and the number of the line with its id. */
export interface Sent {
  traceId: string;
  n: number;
}

/** Reads the application's log. */
export function parseOutput(log: string) {
  const all = [...log.matchAll(/ n=(\d+)(?: trace_id=([0-9a-f]{32}) spans="([^\n]*)")?$/gm)];
  const sent = all.flatMap(([, n, traceId, said = ""]) => (traceId ? [{ n: Number(n), traceId, said }] : []));
  const last = sent.at(-1);
  return {
    /** Number of the last line. */
    last: Number(all.at(-1)?.[1] ?? 0),
    /** Accepted traces, oldest first. */
    taken: sent.filter(({ said }) => said === "taken").map(({ n, traceId }): Sent => ({ n, traceId })),
    /** Why the last trace was not accepted. */
    ...(last && last.said !== "taken" && { refused: last.said || "the client ended without a message" }),
  };
}

/** What the application has logged so far. */
export const said = async (config: KubeConfig) =>
  parseOutput(await config.makeApiClient(CoreV1Api).readNamespacedPodLog({ namespace, name: app }));

/** The newest accepted trace. @throws if there is none */
export async function newest({ config }: Pick<Context, "config">): Promise<Sent> {
  const found = (await said(config)).taken.at(-1);
  if (!found) throw new Error("the application has sent no trace");
  return found;
}

/** The selector of the application's lines in Loki. */
export const streamOf = ({ cluster }: Settings): string =>
  `{namespace="${namespace}", pod_name="${app}", cluster="${cluster.name}"}`;

/** Creates a pod in the namespace. @returns it once it is ready @throws with the reason if it is not within 120 s */
export async function startPod({ config, until }: Context, body: V1Pod): Promise<V1Pod> {
  const core = config.makeApiClient(CoreV1Api);
  const name = body.metadata?.name ?? "";
  await core.createNamespacedPod({ namespace, body });
  const state = () => core.readNamespacedPod({ namespace, name });
  const ready = until(120, `pod ${namespace}/${name} that is ready`, async () => {
    const pod = await state();
    return isReady(pod) && pod;
  });
  return ready.catch(async () => {
    throw new Error(`pod ${namespace}/${name} is not ready after 120 s: ${troubleOf(await state())}`);
  });
}

export const application: Check = {
  number: 1,
  name: "a test application is deployed",
  async show(context) {
    const { config, settings, run } = context;
    const core = config.makeApiClient(CoreV1Api);
    // By the Service's address: not every build of the application's shell resolves names.
    const { spec } = await core.readNamespacedService(spansTo(settings));
    const body = appManifest(settings, run, spec?.clusterIP ?? "");
    const pod = await startPod(context, body);
    return [
      evidence(
        `pod ${namespace}/${app} of ${body.spec?.containers[0]?.image}`,
        `ready on ${pod.spec?.nodeName}; at most ${lines} lines, ${lines / 5} traces of two spans, one series`,
      ),
    ];
  },
};

export const signals: Check = {
  number: 2,
  name: "it produces logs, metrics and traces",
  needs: [1],
  async show({ config, settings, run, until }) {
    const to = address(spansTo(settings));
    const found = await until(60, "ten lines and an accepted trace", async () => {
      const now = await said(config);
      if (now.refused) throw new Error(`${to} did not accept a trace: ${now.refused}`);
      return now.last >= 10 && now.taken.length ? now : undefined;
    });
    const pod = { namespace, name: app, port: smokeTest.receiverPort };
    const metrics = await bodyOf(config, pod, { pod: app, path: "/metrics" });
    const sample = metrics.split("\n").find((line) => line.includes(`run="${run}"`));
    if (!sample) throw new Error(`its /metrics has no sample of this run: ${metrics.trim()}`);
    const way = usesTls(settings)
      ? ", the collector, which verifies Alloy's certificate; the application's shell cannot"
      : "";
    return [
      evidence(`kubectl logs -n ${namespace} ${app}`, `${found.last} lines, the last is n=${found.last}`),
      evidence("its /metrics", sample),
      evidence(`POST ${to}/v1/traces${way}`, `accepted: trace ${found.taken.at(-1)?.traceId}`),
    ];
  },
};
