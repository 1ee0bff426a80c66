/**
 * What Prometheus remembers of the last minutes, for what happens too seldom to be seen in two readings of a pod: it is
 * asked itself, by its pod, because Mimir may be what is ill.
 */
import { namespaces } from "../../../names";
import type { Context } from "./check";
import type { Sample } from "./metrics";
import { askPod, talkers } from "./readings";

/** Asks a pod of Prometheus for JSON; nothing where none answers. */
// biome-ignore lint/suspicious/noExplicitAny: the API knows its form
export async function fromPrometheus(context: Context, path: string): Promise<any> {
  const one = (await talkers(context)).find(
    ({ namespace, component, ready }) =>
      namespace === namespaces(context.settings).monitoring && component === "prometheus" && ready,
  );
  if (!one) return undefined;
  const answer = await askPod(context, one, path).catch(() => undefined);
  return answer?.status === 200 ? JSON.parse(answer.body).data : undefined;
}

/** An instant query. @returns its series; nothing where Prometheus does not answer */
export async function query(context: Context, promql: string): Promise<Sample[] | undefined> {
  const data = await fromPrometheus(context, `/api/v1/query?query=${encodeURIComponent(promql)}`);
  return data?.result.map(
    ({ metric, value }: { metric: Record<string, string>; value: [number, string] }): Sample => ({
      labels: metric,
      value: Number(value[1]),
    }),
  );
}
