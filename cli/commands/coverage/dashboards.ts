/** The queries of a dashboard's JSON model: panels, collapsed rows, variables and annotations. */
import type { Json } from "../../lib/objects";
import type { Reading, Source } from "./model";
import { type Reference, resolve } from "./sources";

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

/** Initial values of the variables of type datasource. */
const chosenIn = (model: Json): Map<string, string> =>
  new Map(
    (model.templating?.list ?? [])
      .filter(({ type }: Json) => type === "datasource")
      .map(({ name, current }: Json) => [name, [current?.value ?? ""].flat().join("")]),
  );

/** A dashboard's queries that may be PromQL, each with the store that evaluates it. */
export function queriesIn(owner: string, model: Json, sources: Source[]): Reading[] {
  if (model.elements ?? model.spec) {
    const source = { why: "its schema is version 2" };
    return [{ kind: "dashboard", owner, item: "all panels", source, expr: "" }];
  }
  const chosen = chosenIn(model);
  const query = (item: string, reference: Reference, expr: unknown): Reading[] =>
    typeof expr === "string" && expr.trim() !== ""
      ? [{ kind: "dashboard", owner, item, source: resolve(sources, chosen, reference), expr }]
      : [];
  const variables = (model.templating?.list ?? []).filter(({ type }: Json) => type === "query");
  return [
    ...panelsOf(model).flatMap(({ title, id, datasource, targets = [] }: Json) =>
      targets.flatMap((target: Json) =>
        query(title || `panel ${id}`, target.datasource ?? datasource, target.expr),
      ),
    ),
    ...variables.flatMap((variable: Json) =>
      query(`variable ${variable.name}`, variable.datasource, inVariable(variable)),
    ),
    ...(model.annotations?.list ?? []).flatMap(({ name, datasource, expr }: Json) =>
      query(`annotation ${name}`, datasource, expr),
    ),
  ];
}
