/** Tests 6 and 7: Grafana's links lead from a trace to its logs, and its service graph shows who calls whom. */
import { secondsOf } from "../../../settings/units";
import { newest } from "./app";
import { type Check, evidence } from "./check";
import { linesOf } from "./logs";
import { edge, type Span, traceOf } from "./traces";
import { samplesOf, type View } from "./view";

/** A datasource's link from traces to logs, as far as it is followed. */
export interface TracesToLogs {
  datasourceUid: string;
  spanStartTimeShift: string;
  spanEndTimeShift: string;
  tags: { key: string; value?: string }[];
  filterByTraceID: boolean;
  customQuery?: boolean;
}

/** A shift such as `-10m`, in milliseconds. @throws if it has another form */
export function shiftOf(text: string): number {
  const seconds = secondsOf(text.replace("-", ""));
  if (seconds === undefined) throw new Error(`"${text}" is no duration`);
  return (text.startsWith("-") ? -1000 : 1000) * seconds;
}

/**
 * The query and the range that Grafana makes of a span with a link to Loki:
 * https://github.com/grafana/grafana/blob/v12.0.0/public/app/features/explore/TraceView/createSpanLink.tsx
 *
 * @throws if the span has none of the tags: Grafana then shows no link
 */
export function logsQuery(
  link: TracesToLogs,
  traceId: string,
  { attributes, start, end }: Span,
): { query: string; from: number; to: number } {
  const tags = link.tags.flatMap(({ key, value }) => {
    const found = attributes[key];
    return found === undefined ? [] : [`${value || key.replaceAll(".", "_")}="${found}"`];
  });
  if (tags.length === 0)
    throw new Error(
      `the span has none of ${link.tags.map(({ key }) => key).join(", ")}, so Grafana shows no link; it has ${Object.keys(attributes).join(", ")}`,
    );
  const byTrace = `| label_format log_line_contains_trace_id=\`{{ contains "${traceId}" __line__  }}\` | log_line_contains_trace_id="true" or trace_id="${traceId}"`;
  return {
    query: `{${tags.join(", ")}}${link.filterByTraceID ? ` ${byTrace}` : ""}`,
    from: Number(start / 1_000_000n) + shiftOf(link.spanStartTimeShift),
    to: Number(end / 1_000_000n) + shiftOf(link.spanEndTimeShift),
  };
}

/** A link of Grafana's data source Tempo. @throws if it does not have it, or it leads to another datasource */
async function linkOf<T extends { datasourceUid: string }>(view: View, name: string, to: string): Promise<T> {
  const tempo = (await view.configured()).find(({ uid }) => uid === "tempo");
  const link = tempo?.jsonData[name] as T | undefined;
  if (!link) throw new Error(`Grafana's data source Tempo has no ${name}`);
  if (link.datasourceUid !== to)
    throw new Error(`${name} leads to ${link.datasourceUid}, which this test cannot follow`);
  return link;
}

export const logsOfTrace: Check = {
  number: 6,
  name: "a trace leads to its logs",
  needs: [1, 2],
  async show(context) {
    const { view, until } = context;
    const link = await linkOf<TracesToLogs>(view, "tracesToLogsV2", "loki");
    if (link.customQuery) throw new Error("the link has a query, which this test cannot follow");
    const { traceId, n } = await newest(context);
    const spans = await until(90, `trace ${traceId}`, () => traceOf(view, traceId, Object.values(edge)));
    const server = spans.find(({ attributes }) => attributes["service.name"] === edge.server);
    const { query, from, to } = logsQuery(link, traceId, server as Span);
    const lines = await until(90, query, () => linesOf(view, query, from, to));
    const wrong = lines.find(({ text }) => !text.includes(` n=${n} trace_id=${traceId}`));
    if (wrong) throw new Error(`${query} also returns "${wrong.text}"`);
    const tags = link.tags.map(({ key, value }) => `${key} as ${value}`).join(", ");
    return [
      evidence(
        "tracesToLogsV2 of Grafana's data source Tempo",
        `${tags}; ${link.spanStartTimeShift} to ${link.spanEndTimeShift}`,
      ),
      evidence(`${query}, ${view.how}`, `"${lines[0]?.text}"`),
    ];
  },
};

export const serviceGraph: Check = {
  number: 7,
  name: "the service graph shows the dependency",
  needs: [1, 2],
  async show({ settings, view, begun, until }) {
    await linkOf(view, "serviceMap", "mimir");
    const calls = `traces_service_graph_request_total{client="${edge.client}", server="${edge.server}", cluster="${settings.cluster.name}"}`;
    const query = `sum by (client, server) (${calls})`;
    // An earlier run may have left the edge; only newer samples count.
    const [before] = await samplesOf(view, query, begun / 1000);
    const since = `${query} and on () (max(timestamp(${calls})) > ${Math.ceil(begun / 1000)})`;
    const edges = await until(180, `${query}, newer than the run`, async () => {
      const now = await samplesOf(view, since);
      return now[0]?.value === before?.value ? undefined : now;
    });
    const shown = edges.map(
      ({ labels, value }) => `${labels["client"]} → ${labels["server"]}: ${value} calls`,
    );
    const earlier = before ? `; ${before.value} before this run` : "";
    return [evidence(`${query}, ${view.how}`, `${shown.join("; ")}${earlier}`)];
  },
};
