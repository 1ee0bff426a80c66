/** PromQL queries: the series that they select, and those that they need for a result. */
import { parser } from "@prometheus-io/lezer-promql";

type SyntaxNode = ReturnType<typeof parser.parse>["topNode"];

export interface Matcher {
  label: string;
  op: "=" | "!=" | "=~" | "!~";
  value: string;
}

export interface Selector {
  metric?: string;
  matchers: Matcher[];
}

export interface Query {
  selectors: Selector[];
  /**
   * The selectors without series that make a result impossible. One side of `or` is enough, the right side of `unless` is not
   * needed, and `absent()` has a result without series.
   */
  missing(hasSeries: (selector: Selector) => boolean): Selector[];
}

/** Placeholder of a dashboard's variable, which may have any value. */
const variable = "GRAFANA_VARIABLE";

const isVariable = (text: string) => text.includes(variable);

/** Functions that have a result without series. */
const alwaysResult = new Set(["Absent", "AbsentOverTime", "Scalar", "Time", "Vector"]);

/** Variables of Grafana in all their forms: $name, ${name}, ${name:format}, [[name]]. */
const names = /\$\{[^}]+\}|\$\w+|\[\[[^\]]+\]\]/g;
/** A variable that holds whole conditions: {$matchers}. */
const conditions =
  /(\{\s*)(?:\$\{[^}]+\}|\$\w+|\[\[[^\]]+\]\])(?=\s*[},])|(,\s*)(?:\$\{[^}]+\}|\$\w+|\[\[[^\]]+\]\])(?=\s*\})/g;
const strings = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/g;

/** A query with values for durations, and the placeholder for other variables. */
function withoutVariables(expr: string): string {
  const outside = (code: string) =>
    code
      .replace(/(\[|:|\boffset\s+-?)\s*(?:\$\{[^}]+\}|\$\w+|\[\[[^\]]+\]\])/g, "$15m")
      .replace(conditions, `$1$2any="${variable}"`)
      .replace(names, variable);
  let text = "";
  let from = 0;
  for (const match of expr.matchAll(strings)) {
    text += outside(expr.slice(from, match.index)) + match[0].replace(names, variable);
    from = match.index + match[0].length;
  }
  return text + outside(expr.slice(from));
}

function unquoted(literal: string): string {
  const inner = literal.slice(1, -1);
  if (literal.startsWith("`")) return inner;
  return inner.replace(/\\(.)/g, (_, one: string) => ({ n: "\n", t: "\t" })[one] ?? one);
}

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child);
  return found;
}

function selectorOf(text: string, node: SyntaxNode): Selector {
  const cut = ({ from, to }: SyntaxNode) => text.slice(from, to);
  const all = children(node).flatMap((child) => (child.name === "LabelMatchers" ? children(child) : [child]));
  const selector: Selector = { matchers: [] };
  for (const one of all) {
    if (one.name === "Identifier") selector.metric = cut(one);
    if (one.name === "QuotedLabelName") selector.metric = unquoted(cut(one));
    if (!one.name.endsWith("LabelMatcher")) continue;
    const [name, op, value] = children(one);
    if (!name || !op || !value) continue;
    const label = name.name === "QuotedLabelName" ? unquoted(cut(name)) : cut(name);
    const matcher = { label, op: cut(op) as Matcher["op"], value: unquoted(cut(value)) };
    if (label === "__name__" && matcher.op === "=" && !isVariable(matcher.value))
      selector.metric = matcher.value;
    else if (!isVariable(matcher.value)) selector.matchers.push(matcher);
  }
  if (selector.metric && isVariable(selector.metric)) delete selector.metric;
  return selector;
}

/** @throws if the query is not valid PromQL */
export function parse(expr: string): Query {
  if (!expr.trim()) throw new Error("the query is empty");
  const text = withoutVariables(expr);
  const selectors: Selector[] = [];
  const missingIn = (node: SyntaxNode): Query["missing"] => {
    if (node.type.isError) throw new Error(`not understood at "${text.slice(node.from, node.from + 30)}"`);
    const nodes = children(node);
    const parts = nodes.map(missingIn);
    const [left, right] = [parts[0], parts.at(-1)];
    if (node.name === "VectorSelector") {
      const selector = selectorOf(text, node);
      selectors.push(selector);
      return (hasSeries) => (hasSeries(selector) ? [] : [selector]);
    }
    if (alwaysResult.has(node.getChild("FunctionIdentifier")?.firstChild?.name ?? "")) return () => [];
    if (left && nodes.some(({ name }) => name === "Unless")) return left;
    if (left && right && nodes.some(({ name }) => name === "Or"))
      return (hasSeries) => {
        const [one, other] = [left(hasSeries), right(hasSeries)];
        return one.length && other.length ? [...one, ...other] : [];
      };
    return (hasSeries) => parts.flatMap((part) => part(hasSeries));
  };
  return { missing: missingIn(parser.parse(text).topNode), selectors };
}

const quoted = (text: string) => JSON.stringify(text);

/** A selector as text, equal for equal selectors. */
export function textOf({ metric, matchers }: Selector): string {
  const conditions = matchers.map(({ label, op, value }) => `${label}${op}${quoted(value)}`).sort();
  if (!metric) return `{${conditions.join(",")}}`;
  const plain = /^[a-zA-Z_:][\w:]*$/.test(metric);
  const all = plain ? conditions : [quoted(metric), ...conditions];
  return `${plain ? metric : ""}${all.length ? `{${all.join(",")}}` : ""}`;
}

const compiled = new Map<string, RegExp>();

/** Whether a regular expression of PromQL matches a text; one that JavaScript rejects matches everything. */
export function matches(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern);
  if (!expression) {
    const flags = /^\(\?([is]+)\)/.exec(pattern)?.[1] ?? "";
    try {
      expression = new RegExp(
        `^(?:${pattern.replace(/^\(\?[is]+\)/, "")})$`,
        flags.includes("i") ? "is" : "s",
      );
    } catch {
      expression = /(?:)/;
    }
    compiled.set(pattern, expression);
  }
  return expression.test(text);
}

/** Whether a condition holds for a label's value; a missing label is empty. */
export function holds({ op, value }: Matcher, is: string): boolean {
  const same = op === "=" || op === "!=" ? is === value : matches(value, is);
  return op === "=" || op === "=~" ? same : !same;
}

/** The metrics that a selector may select. */
export function metricsOf({ metric, matchers }: Selector, known: Iterable<string>): string[] {
  const byName = matchers.filter(({ label }) => label === "__name__");
  return [...known].filter(
    (name) => (metric === undefined || metric === name) && byName.every((one) => holds(one, name)),
  );
}
