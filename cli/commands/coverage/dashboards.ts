/** The queries of a dashboard's JSON model: panels, collapsed rows, variables and annotations. */
import type { Reading, Source, Unjudged } from "./model";
import { type Reference, resolve } from "./sources";

// biome-ignore lint/suspicious/noExplicitAny: a dashboard's JSON is read deeply
type Json = any;

/** A query as it stands in a dashboard. */
export interface Target {
  item: string;
  reference: Reference;
  expr: string;
}

const panelsOf = (model: Json): Json[] =>
  [...(model.panels ?? []), ...(model.rows ?? [])].flatMap((panel: Json) => [
    panel,
    ...(panel.panels ? panelsOf(panel) : []),
  ]);

/** The selector or expression of a variable's query. */
function inVariable({ query, definition }: Json): string {
  const text = typeof query === "string" ? query : (query?.query ?? definition ?? "");
  const asked = /^\s*(label_values|query_result|metrics)\((.*)\)\s*$/s.exec(text);
  if (!asked) return "";
  const [, kind, inner = ""] = asked;
  if (kind === "query_result") return inner;
  if (kind === "metrics") return `{__name__=~".*(${inner.trim()}).*"}`;
  return /^(.*),\s*[\w$]+\s*$/s.exec(inner)?.[1] ?? "";
}

/** The value that each variable of type datasource has when the dashboard opens. */
const chosenIn = (model: Json): Map<string, string> =>
  new Map(
    (model.templating?.list ?? [])
      .filter(({ type }: Json) => type === "datasource")
      .map(({ name, current }: Json) => [name, [current?.value ?? ""].flat().join("")]),
  );

/** All queries that may be PromQL. */
export function targetsOf(model: Json): Target[] {
  const panels = panelsOf(model).flatMap((panel: Json) =>
    (panel.targets ?? []).map((target: Json) => ({
      item: panel.title || `panel ${panel.id}`,
      reference: target.datasource ?? panel.datasource,
      expr: target.expr ?? "",
    })),
  );
  const variables = (model.templating?.list ?? [])
    .filter(({ type }: Json) => type === "query")
    .map((variable: Json) => ({
      item: `variable ${variable.name}`,
      reference: variable.datasource,
      expr: inVariable(variable),
    }));
  const annotations = (model.annotations?.list ?? []).map((annotation: Json) => ({
    item: `annotation ${annotation.name}`,
    reference: annotation.datasource,
    expr: annotation.expr ?? "",
  }));
  return [...panels, ...variables, ...annotations].filter(
    ({ expr }) => typeof expr === "string" && expr.trim() !== "",
  );
}

/** A dashboard's queries, each with the store that answers it. */
export function readingsOf(
  owner: string,
  model: Json,
  sources: Source[],
): { readings: Reading[]; unjudged: Unjudged[] } {
  if (model.elements ?? model.spec)
    return { readings: [], unjudged: [{ owner, item: "all panels", why: "its schema is version 2" }] };
  const chosen = chosenIn(model);
  const readings: Reading[] = [];
  const unjudged: Unjudged[] = [];
  for (const { item, reference, expr } of targetsOf(model)) {
    const source = resolve(sources, chosen, reference);
    if ("uid" in source) readings.push({ kind: "dashboard", owner, item, source: source.uid, expr });
    else unjudged.push({ owner, item, why: source.why });
  }
  return { readings, unjudged };
}
