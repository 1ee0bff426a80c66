/** Test 5: traces of the application, and one of each protocol, are found in Tempo through Grafana. */
import type { Json } from "../../lib/objects";
import { newest } from "./app";
import { type Check, evidence } from "./check";
import { senders } from "./protocols";
import { healthy, type View } from "./view";

/** A span with the attributes of its resource. */
export interface Span {
  name: string;
  /** Epoch in nanoseconds. */
  start: bigint;
  end: bigint;
  /** Attributes of the span and of its resource that are texts. */
  attributes: Record<string, string>;
}

const texts = (attributes: Json[] = []) =>
  attributes.flatMap(({ key, value }) => (value.stringValue === undefined ? [] : [[key, value.stringValue]]));

/** The spans of a trace of OTLP. Tempo's API calls its resources batches. */
const spansOf = ({ batches = [] }: Json): Span[] =>
  batches.flatMap(({ resource, scopeSpans }: Json) =>
    scopeSpans.flatMap(({ spans }: Json) =>
      spans.map(
        (span: Json): Span => ({
          name: span.name,
          start: BigInt(span.startTimeUnixNano),
          end: BigInt(span.endTimeUnixNano),
          attributes: Object.fromEntries([...texts(resource?.attributes), ...texts(span.attributes)]),
        }),
      ),
    ),
  );

/** A trace by its id through Grafana; undefined as long as it lacks spans of a service. */
export async function traceOf(view: View, id: string, services: string[]): Promise<Span[] | undefined> {
  const spans = spansOf(await view.json("tempo", `/api/traces/${id}`));
  const found = spans.map(({ attributes }) => attributes["service.name"]);
  return services.every((service) => found.includes(service)) ? spans : undefined;
}

/** Trace ids that a TraceQL query finds in the last quarter of an hour. */
export async function search(view: View, query: string): Promise<string[]> {
  const end = Math.floor(Date.now() / 1000) + 60;
  const parameters = new URLSearchParams({ q: query, start: `${end - 960}`, end: `${end}`, limit: "20" });
  const { traces } = await view.json("tempo", `/api/search?${parameters}`);
  return ((traces ?? []) as { traceID: string }[]).map(({ traceID }) => traceID);
}

/** The application's two services: one calls the other. */
export const edge = { client: "obs-smoke-client", server: "obs-smoke-server" } as const;

export const traces: Check = {
  number: 5,
  name: "its traces are found in Tempo through Grafana, and those of every protocol",
  needs: [1, 2],
  async show(context) {
    const { settings, view, run, until } = context;
    const health = await healthy(view, ["tempo"]);
    const { traceId } = await newest(context);
    const spans = await until(90, `trace ${traceId}`, () => traceOf(view, traceId, Object.values(edge)));
    const foreign = spans.find(({ attributes }) => attributes["k8s.cluster.name"] !== settings.cluster.name);
    if (foreign)
      throw new Error(
        `span "${foreign.name}" has k8s.cluster.name="${foreign.attributes["k8s.cluster.name"] ?? ""}" instead of ${settings.cluster.name}`,
      );
    const named = spans.map(({ attributes, name }) => `${attributes["service.name"]} "${name}"`).join(", ");
    const own = `{ resource.service.name = "${edge.server}" && span.run = "${run}" }`;
    const found = await until(90, own, () => search(view, own));
    const sent = Object.entries(senders).map(async ([protocol, send], index) => {
      const mark = `${run}-${index}`;
      await send(context, mark);
      const query = `{ span.run = "${mark}" }`;
      const [id] = await until(90, `trace of ${query}, sent with ${protocol}`, () => search(view, query));
      return evidence(`${query}, sent with ${protocol}`, `trace ${id}`);
    });
    return [
      ...health,
      evidence(`trace ${traceId} of cluster ${settings.cluster.name}, ${view.how}`, named),
      evidence(own, `${found.length} traces`),
      ...(await Promise.all(sent)),
    ];
  },
};
