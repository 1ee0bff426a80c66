/** `obs size --write`: writes the sizes for a load into a stack's file, and keeps its comments and order. */
import { readFileSync, writeFileSync } from "node:fs";
import { isMap, parseDocument } from "yaml";
import { parseSettings, project, type Settings, settingsIn, UserError } from "../../../settings";
import { rightSize, type Sized } from "../../../settings/right-size";
import { merge, type Tree, valueAt } from "../../../settings/tree";
import { configFile, fileConfig } from "../../lib/stack-config";
import { columns, table } from "../../lib/text";

/** The options of a load: `{ series: "1M" }`. */
export type Given = Partial<Record<keyof Settings["load"], string>>;

/** A setting that changes, with its old value in the file. */
type Change = Sized & { was: unknown };

const keysOf = (path: string): string[] => path.split(".");
const nested = (path: string, value: unknown): Tree =>
  keysOf(path).reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Tree;
const same = (one: unknown, other: unknown): boolean => String(one) === String(other);

/** The settings for the load, and the load itself, that the file does not have yet. */
export function changesFor(file: Tree, settings: Settings, given: Given): Change[] {
  const load = Object.entries(given).map(([name, value]) => ({ path: `load.${name}`, value }));
  return [...load, ...rightSize(settings)]
    .map((one) => ({ ...one, was: valueAt(file, keysOf(one.path)) }))
    .filter(({ was, value }) => !same(was, value));
}

/** @throws UserError if the file has a group as text, which cannot be changed in part */
export function withChanges(source: string, changes: Change[]): string {
  const document = parseDocument(source);
  for (const { path, value } of changes) {
    const [group = "", ...rest] = keysOf(path);
    const key = ["config", `${project}:${group}`];
    const current = document.getIn(key, true);
    if (current !== undefined && !isMap(current))
      throw new UserError(`${project}:${group} is text; write it as YAML, then run the command again`);
    document.setIn([...key, ...rest], value);
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Writes the sizes. @returns the changes @throws UserError if the settings would be invalid */
export function write(stack: string, settings: Settings, given: Given): Change[] {
  const file = settingsIn(fileConfig(stack));
  const changes = changesFor(file, settings, given);
  if (!changes.length) return changes;
  parseSettings(stack, changes.map(({ path, value }) => nested(path, value)).reduce(merge, file) as Tree);
  writeFileSync(configFile(stack), withChanges(readFileSync(configFile(stack), "utf8"), changes));
  return changes;
}

/** The changes as a table. */
export function changesText(stack: string, changes: Change[]): string {
  if (!changes.length) return `Pulumi.${stack}.yaml has the sizes for this load already.`;
  const rows = columns(changes, [
    ["setting", ({ path }) => path],
    ["was", ({ was = "default" }) => String(was)],
    ["now", ({ value }) => String(value)],
  ]);
  return `${table(rows)}\n\nWrote ${changes.length} settings to Pulumi.${stack}.yaml. Next: ./obs preview ${stack}`;
}
