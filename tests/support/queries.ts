/** Parses queries of dashboards with the grammars of their languages. */
import { parser as logql } from "@grafana/lezer-logql";
import { parser as traceql } from "@grafana/lezer-traceql";
import { parser as promql } from "@prometheus-io/lezer-promql";

type Tree = ReturnType<typeof promql.parse>;
type SyntaxNode = Tree["topNode"];

const parsers = { prometheus: promql, loki: logql, tempo: traceql };

/** Type of a data source, which determines the language of its queries. */
export type Language = keyof typeof parsers;

/** Placeholders for Grafana's own intervals during parsing: durations that no query uses. */
const intervals: Record<string, string> = {
  $__rate_interval: "241s",
  $__range: "3601s",
  $__auto: "61s",
  $__interval: "31s",
};

/** A query that its grammar can parse; other variables are in strings, which accept any text. */
const replaced = (expr: string) => expr.replace(/\$__\w+/g, (name) => intervals[name] ?? name);

/** The Grafana variable of a placeholder, or the duration itself. */
const original = (duration: string) =>
  Object.keys(intervals).find((name) => intervals[name] === duration) ?? duration;

/** Visits all nodes with a name. */
function nodesOf(tree: Tree, name: string): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  tree.iterate({ enter: ({ name: its, node }) => void (its === name && found.push(node)) });
  return found;
}

/** Syntax errors: their locations, with some of the text. */
export function mistakes(language: Language, expr: string): string[] {
  const text = replaced(expr);
  const found: string[] = [];
  if (!text.trim()) return ["it is empty"];
  parsers[language].parse(text).iterate({
    enter: ({ type, from }) => {
      if (type.isError) found.push(`at ${from}: ${text.slice(Math.max(0, from - 20), from + 20)}`);
    },
  });
  return found;
}

/** A selector of PromQL: its metric, if it has one, and its matchers as written. */
export interface Selector {
  metric: string | undefined;
  labels: string[];
  matchers: string[];
}

const selectorOf = (text: string, node: SyntaxNode): Selector => {
  const cut = ({ from, to }: SyntaxNode) => text.slice(from, to);
  const name = node.getChild("Identifier");
  const matchers = node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? [];
  return {
    metric: name ? cut(name) : undefined,
    labels: matchers.flatMap((matcher) => matcher.getChildren("LabelName").map(cut)),
    matchers: matchers.map(cut),
  };
};

/** All selectors of a query in PromQL. */
export function selectors(expr: string): Selector[] {
  const text = replaced(expr);
  return nodesOf(promql.parse(text), "VectorSelector").map((node) => selectorOf(text, node));
}

/** Labels with which a query groups or joins, and the metrics that must have them, if selectors name them. */
export interface Grouping {
  labels: string[];
  metrics: (string | undefined)[];
}

/** All groupings of a query in PromQL: by, without, on, ignoring and their like. */
export function groupings(expr: string): Grouping[] {
  const text = replaced(expr);
  const tree = promql.parse(text);
  const cut = ({ from, to }: SyntaxNode) => text.slice(from, to);
  return nodesOf(tree, "GroupingLabels").map((node) => {
    let around = node.parent;
    while (around && !/^(AggregateExpr|BinaryExpr)$/.test(around.name)) around = around.parent;
    const inside = nodesOf(tree, "VectorSelector").filter(
      ({ from, to }) => around && around.from <= from && to <= around.to,
    );
    return {
      labels: node.getChildren("LabelName").map(cut),
      metrics: inside.map((selector) => selectorOf(text, selector).metric),
    };
  });
}

/** The ranges of rates and increases in a query. */
export function rateRanges(expr: string): string[] {
  const text = replaced(expr);
  return nodesOf(promql.parse(text), "FunctionCall")
    .filter((call) =>
      /^(rate|irate|increase)$/.test(text.slice(call.from, call.getChild("FunctionIdentifier")?.to)),
    )
    .flatMap((call) => [...text.slice(call.from, call.to).matchAll(/\[([^\]"]+)\]/g)])
    .map(([, range = ""]) => original(range));
}
