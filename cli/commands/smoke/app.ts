/** Tests 1 and 2: an application is deployed, and it makes logs, metrics and traces (R16). */
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { address, smokeTest, usesTls } from "../../../names";
import type { Settings } from "../../../settings";
import { isReady, reasonOf } from "../../lib/objects";
import { bodyOf } from "../../lib/service";
import type { Check, Context } from "./check";
import { appManifest, lines, spansTo } from "./manifest";

const { namespace, app } = smokeTest;

/** A trace that Alloy took, and the line that names it. */
export interface Sent {
  traceId: string;
  /** Number of the line. */
  n: number;
}

/** What the application says that it did. */
export interface Said {
  /** Number of the last line. */
  last: number;
  /** Traces that were taken, oldest first. */
  taken: Sent[];
  /** Why the last trace was not taken, where it was not. */
  refused?: string;
}

/** Reads the application's log. */
export function readSaid(log: string): Said {
  const all = [...log.matchAll(/ n=(\d+)(?: trace_id=([0-9a-f]{32}) spans="([^\n]*)")?$/gm)];
  const withTrace = all.flatMap(([, n, traceId, said]) =>
    traceId ? [{ n: Number(n), traceId, said: said ?? "" }] : [],
  );
  const last = withTrace.at(-1);
  return {
    last: Number(all.at(-1)?.[1] ?? 0),
    taken: withTrace.filter(({ said }) => said === "taken").map(({ n, traceId }) => ({ n, traceId })),
    ...(last && last.said !== "taken" && { refused: last.said || "the client ended without a word" }),
  };
}

/** What the application has said so far. */
export const said = async (config: KubeConfig): Promise<Said> =>
  readSaid(await config.makeApiClient(CoreV1Api).readNamespacedPodLog({ namespace, name: app }));

/** The newest trace that was taken. @throws where there is none */
export async function newest({ config }: Pick<Context, "config">): Promise<Sent> {
  const found = (await said(config)).taken.at(-1);
  if (!found) throw new Error("the application has sent no trace");
  return found;
}

/** Where the spans go, by the Service's address: not every build of that shell can ask for names. */
async function otlpOf(config: KubeConfig, settings: Settings): Promise<string> {
  const { namespace: where, name } = spansTo(settings);
  const { spec } = await config.makeApiClient(CoreV1Api).readNamespacedService({ namespace: where, name });
  return spec?.clusterIP ?? "";
}

/** The selector of the application's lines in Loki. */
export const stream = `{namespace="${namespace}", pod_name="${app}"}`;

export const application: Check[] = [
  {
    number: 1,
    name: "a test application is deployed",
    async show({ config, settings, run, until }) {
      const core = config.makeApiClient(CoreV1Api);
      const body = appManifest(settings, run, await otlpOf(config, settings));
      await core.createNamespacedPod({ namespace, body });
      const read = () => core.readNamespacedPod({ namespace, name: app });
      const pod = await until(120, `pod ${namespace}/${app}`, async () => {
        const found = await read();
        return isReady(found) ? found : undefined;
      }).catch(async () => {
        throw new Error(`pod ${namespace}/${app} is not ready after 120 s: ${reasonOf(await read())}`);
      });
      return [
        {
          asked: `pod ${namespace}/${app} of ${body.spec?.containers[0]?.image}`,
          answer: `ready on ${pod.spec?.nodeName}; at most ${lines} lines, ${lines / 5} traces of two spans, one series`,
        },
      ];
    },
  },
  {
    number: 2,
    name: "it produces logs, metrics and traces",
    needs: [1],
    async show({ config, settings, run, until }) {
      const found = await until(60, "ten lines and a trace that was taken", async () => {
        const now = await said(config);
        if (now.refused)
          throw new Error(`${address(spansTo(settings))} did not take a trace: ${now.refused}`);
        return now.last >= 10 && now.taken.length ? now : undefined;
      });
      const pod = { namespace, name: app, port: smokeTest.receiverPort };
      const metrics = await bodyOf(config, pod, { pod: app, path: "/metrics" });
      const sample = metrics.split("\n").find((line) => line.includes(`run="${run}"`));
      if (!sample) throw new Error(`its /metrics has no sample of this run: ${metrics.trim()}`);
      const trace = found.taken.at(-1);
      const way = usesTls(settings)
        ? `, the collector, which verifies Alloy's certificate; the application's shell cannot`
        : "";
      return [
        {
          asked: `kubectl logs -n ${namespace} ${app}`,
          answer: `${found.last} lines, the last is n=${found.last}`,
        },
        { asked: "its /metrics", answer: sample },
        {
          asked: `POST ${address(spansTo(settings))}/v1/traces${way}`,
          answer: `taken: trace ${trace?.traceId}`,
        },
      ];
    },
  },
];
