/** Tests 6 and 7: Grafana's links lead from a trace to its logs, and its map shows who calls whom (R8.1). */
import { newest } from "./app";
import type { Check } from "./check";
import { linesOf } from "./logs";
import { samplesOf } from "./promql";
import { edge, type Span, traceOf } from "./traces";
import type { View } from "./view";

/** A datasource's link from traces to logs, as far as it is followed. */
export interface TracesToLogs {
  datasourceUid: string;
  spanStartTimeShift: string;
  spanEndTimeShift: string;
  tags: { key: string; value?: string }[];
  filterByTraceID: boolean;
  customQuery?: boolean;
}

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A shift such as `-10m`, in milliseconds. @throws where it has another form */
export function shiftOf(text: string): number {
  const [, sign, digits, unit] = /^(-?)(\d+)([smhd])$/.exec(text) ?? [];
  if (!digits || !unit) throw new Error(`"${text}" is no shift of time`);
  return (sign ? -1 : 1) * Number(digits) * (units[unit] ?? 0);
}

/**
 * The query and the range that Grafana makes of a span by a link to Loki:
 * https://github.com/grafana/grafana/blob/v12.0.0/public/app/features/explore/TraceView/createSpanLink.tsx
 *
 * @throws where the span has none of the tags, of which Grafana makes no link
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
      `the span has none of ${link.tags.map(({ key }) => key).join(", ")}, so Grafana makes no link of it; it has ${Object.keys(attributes).join(", ")}`,
    );
  const byTrace = `| label_format log_line_contains_trace_id=\`{{ contains "${traceId}" __line__  }}\` | log_line_contains_trace_id="true" or trace_id="${traceId}"`;
  return {
    query: `{${tags.join(", ")}}${link.filterByTraceID ? ` ${byTrace}` : ""}`,
    from: Number(start / 1_000_000n) + shiftOf(link.spanStartTimeShift),
    to: Number(end / 1_000_000n) + shiftOf(link.spanEndTimeShift),
  };
}

/** How Grafana links Tempo to something. @throws where it does not */
async function linkOf<T>(view: View, name: string): Promise<T> {
  const tempo = (await view.configured()).find(({ uid }) => uid === "tempo");
  const link = tempo?.jsonData[name] as T | undefined;
  if (!link) throw new Error(`Grafana's datasource Tempo has no ${name}`);
  return link;
}

export const correlation: Check[] = [
  {
    number: 6,
    name: "a trace leads to its logs",
    needs: [1, 2],
    async show(context) {
      const { view, until } = context;
      const link = await linkOf<TracesToLogs>(view, "tracesToLogsV2");
      if (link.datasourceUid !== "loki" || link.customQuery)
        throw new Error(`the link leads to ${link.datasourceUid}, which this test cannot follow`);
      const { traceId, n } = await newest(context);
      const spans = await until(90, `trace ${traceId}`, () => traceOf(view, traceId, Object.values(edge)));
      const server = spans.find(({ attributes }) => attributes["service.name"] === edge.server);
      const { query, from, to } = logsQuery(link, traceId, server as Span);
      const lines = await until(90, query, async () => {
        const found = await linesOf(view, query, from, to);
        return found.length ? found : undefined;
      });
      const wrong = lines.filter(({ text }) => !text.includes(` n=${n} trace_id=${traceId}`));
      if (wrong.length) throw new Error(`${query} also gives "${wrong[0]?.text}"`);
      return [
        {
          asked: "tracesToLogsV2 of Grafana's datasource Tempo",
          answer: `${link.tags.map(({ key, value }) => `${key} as ${value}`).join(", ")}; ${link.spanStartTimeShift} to ${link.spanEndTimeShift}`,
        },
        { asked: `${query}, ${view.how}`, answer: `"${lines[0]?.text}"` },
      ];
    },
  },
  {
    number: 7,
    name: "the service graph shows who calls whom",
    needs: [1, 2],
    async show({ view, begun, until }) {
      const link = await linkOf<{ datasourceUid: string }>(view, "serviceMap");
      if (link.datasourceUid !== "mimir")
        throw new Error(`Grafana draws it from ${link.datasourceUid}, which this test cannot follow`);
      const selector = `{client="${edge.client}", server="${edge.server}"}`;
      const query = `sum by (client, server) (traces_service_graph_request_total${selector})`;
      // An earlier run may have left the edge; only what came since counts.
      const [before] = await samplesOf(view, query, begun / 1000);
      const since = `${query} and on () (max(timestamp(traces_service_graph_request_total${selector})) > ${Math.ceil(begun / 1000)})`;
      const edges = await until(180, `${query}, newer than the run`, async () => {
        const now = await samplesOf(view, since);
        return now.length && now[0]?.value[1] !== before?.value[1] ? now : undefined;
      });
      const shown = edges.map(
        ({ metric, value }) => `${metric["client"]} → ${metric["server"]}: ${value[1]} calls`,
      );
      return [
        {
          asked: `${query}, ${view.how}`,
          answer: `${shown.join("; ")}${before ? `; ${before.value[1]} before this run` : ""}`,
        },
      ];
    },
  },
];
