/** Test 5: traces are found in Tempo through Grafana, the application's and one by each protocol (R4.3, R4.5). */
import { newest } from "./app";
import type { Check, Evidence } from "./check";
import { senders } from "./protocols";
import { healthy, type View } from "./view";

/** An attribute as OTLP has it. */
interface Attribute {
  key: string;
  value: { stringValue?: string };
}

/** A span with what is said of its service and pod. */
export interface Span {
  name: string;
  spanId: string;
  /** Nanoseconds since 1970. */
  start: bigint;
  end: bigint;
  /** Of the span and of its resource; only texts. */
  attributes: Record<string, string>;
}

const texts = (attributes: Attribute[] = []) =>
  attributes.flatMap(({ key, value }) => (value.stringValue === undefined ? [] : [[key, value.stringValue]]));

/** The spans of a trace as Tempo's API returns it. */
// biome-ignore lint/suspicious/noExplicitAny: OTLP's own form, read in one place
export const spansOf = (trace: any): Span[] =>
  // biome-ignore lint/suspicious/noExplicitAny: see above
  (trace.batches ?? trace.resourceSpans ?? []).flatMap(({ resource, scopeSpans }: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: see above
    scopeSpans.flatMap(({ spans }: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: see above
      spans.map((span: any) => ({
        name: span.name,
        spanId: Buffer.from(span.spanId, "base64").toString("hex"),
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        attributes: Object.fromEntries([...texts(resource?.attributes), ...texts(span.attributes)]),
      })),
    ),
  );

/** A trace by its id through Grafana; undefined as long as not all its services are there. */
export async function traceOf(view: View, id: string, services: string[]): Promise<Span[] | undefined> {
  const spans = spansOf(await view.json("tempo", `/api/traces/${id}`));
  const there = spans.map(({ attributes }) => attributes["service.name"]);
  return services.every((service) => there.includes(service)) ? spans : undefined;
}

/** Trace ids that a TraceQL query finds in the last quarter of an hour. */
export async function search(view: View, query: string): Promise<string[]> {
  const end = Math.floor(Date.now() / 1000) + 60;
  const parameters = new URLSearchParams({ q: query, start: `${end - 960}`, end: `${end}`, limit: "20" });
  const { traces } = await view.json("tempo", `/api/search?${parameters}`);
  return ((traces ?? []) as { traceID: string }[]).map(({ traceID }) => traceID);
}

/** The application's two services: who calls, and who is called. */
export const edge = { client: "obs-smoke-client", server: "obs-smoke-server" } as const;

export const traces: Check[] = [
  {
    number: 5,
    name: "its traces are found in Tempo through Grafana, and those of every protocol",
    needs: [1, 2],
    async show(context) {
      const { view, run, until } = context;
      const evidence: Evidence[] = await healthy(view, ["tempo"]);
      const { traceId } = await newest(context);
      const spans = await until(90, `trace ${traceId}`, () => traceOf(view, traceId, Object.values(edge)));
      evidence.push({
        asked: `trace ${traceId}, ${view.how}`,
        answer: spans.map(({ attributes, name }) => `${attributes["service.name"]} "${name}"`).join(", "),
      });
      const own = `{ resource.service.name = "${edge.server}" && span.run = "${run}" }`;
      const found = await until(90, own, async () => {
        const ids = await search(view, own);
        return ids.length ? ids : undefined;
      });
      evidence.push({ asked: own, answer: `${found.length} traces` });
      const sent = Object.entries(senders).map(async ([protocol, send], index) => {
        const mark = `${run}-${index}`;
        await send(context, mark);
        const query = `{ span.run = "${mark}" }`;
        const [id] = await until(90, `the trace of ${query}, sent by ${protocol}`, async () => {
          const ids = await search(view, query);
          return ids.length ? ids : undefined;
        });
        return { asked: `${query}, sent by ${protocol}`, answer: `trace ${id}` };
      });
      return [...evidence, ...(await Promise.all(sent))];
    },
  },
];
