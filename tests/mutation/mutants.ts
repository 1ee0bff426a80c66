/** Small deliberate bugs in a TypeScript file. */
import ts from "typescript";

export interface Mutant {
  /** Path from the project's root. */
  file: string;
  line: number;
  /** `=== -> !==`. */
  change: string;
  /** The whole file with the bug. */
  text: string;
}

const swapped: Partial<Record<ts.SyntaxKind, string>> = {
  [ts.SyntaxKind.LessThanToken]: "<=",
  [ts.SyntaxKind.LessThanEqualsToken]: "<",
  [ts.SyntaxKind.GreaterThanToken]: ">=",
  [ts.SyntaxKind.GreaterThanEqualsToken]: ">",
  [ts.SyntaxKind.EqualsEqualsEqualsToken]: "!==",
  [ts.SyntaxKind.ExclamationEqualsEqualsToken]: "===",
  [ts.SyntaxKind.AmpersandAmpersandToken]: "||",
  [ts.SyntaxKind.BarBarToken]: "&&",
  [ts.SyntaxKind.AsteriskToken]: "/",
  [ts.SyntaxKind.SlashToken]: "*",
  [ts.SyntaxKind.MinusToken]: "+",
};

/** The replacement of a node; undefined if it has no bug of these kinds. */
function bugIn(node: ts.Node): { at: ts.Node; by: string } | undefined {
  if (ts.isBinaryExpression(node)) {
    const by = swapped[node.operatorToken.kind];
    return by ? { at: node.operatorToken, by } : undefined;
  }
  if (node.kind === ts.SyntaxKind.TrueKeyword) return { at: node, by: "false" };
  if (node.kind === ts.SyntaxKind.FalseKeyword) return { at: node, by: "true" };
  if (ts.isNumericLiteral(node)) return { at: node, by: String(Number(node.text.replaceAll("_", "")) + 1) };
  if (ts.isConditionalExpression(node)) return { at: node.condition, by: `!(${node.condition.getText()})` };
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    return { at: node, by: node.operand.getText() };
  if (ts.isIfStatement(node)) return { at: node.expression, by: `!(${node.expression.getText()})` };
  return undefined;
}

/** All bugs of these kinds in a file, each alone. Types have none. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isImportDeclaration(node)) return;
    const bug = bugIn(node);
    if (bug) {
      const [start, end] = [bug.at.getStart(), bug.at.getEnd()];
      found.push({
        file,
        line: tree.getLineAndCharacterOfPosition(start).line + 1,
        change: `${source.slice(start, end)} -> ${bug.by}`.replace(/\s+/g, " "),
        text: source.slice(0, start) + bug.by + source.slice(end),
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}
