/**
 * The schema as plain data: the description and allowed values of each setting, for messages and for the generated
 * documentation.
 */
import { z } from "zod";
import { schema } from "./schema";

/** A setting, or a group, list or table of settings. */
export interface Described {
  /** Its path as `pulumi config set --path` takes it; `[0]` and `<name>` stand for any item of a list or table. */
  path: string;
  /** Its description. */
  what: string;
  /** Its allowed values. */
  allowed: string;
  /** Whether it is a secret, or holds one. */
  secret: boolean;
  /** Restriction on changes after the installation; undefined if it can be changed freely. */
  later?: string;
  /** Whether it accepts arbitrary keys. */
  open: boolean;
  /** Whether it is a group of settings, each with a path of its own. */
  group: boolean;
  /** Its members, by key. */
  children: Map<string, Described>;
}

const anyItem = "[0]";
const anyName = "<name>";

function childrenOf(type: z.ZodType): [string, z.ZodType][] {
  if (type instanceof z.ZodObject) return Object.entries(type.shape as Record<string, z.ZodType>);
  if (type instanceof z.ZodArray) return [[anyItem, type.element as z.ZodType]];
  if (type instanceof z.ZodRecord) return [[anyName, type.valueType as z.ZodType]];
  return [];
}

function describe(type: z.ZodType, path: string): Described {
  const inner = type instanceof z.ZodOptional ? (type.unwrap() as z.ZodType) : type;
  const about = { ...inner.meta(), ...type.meta() };
  const children = new Map(
    childrenOf(inner).map(([key, child]) => {
      const separator = path === "" || key === anyItem ? "" : ".";
      return [key, describe(child, `${path}${separator}${key}`)];
    }),
  );
  return {
    path,
    what: about.description ?? "",
    allowed: about.allowed ?? "",
    secret: about.secret ?? [...children.values()].some((child) => child.secret),
    ...(about.later && { later: about.later }),
    open: about.open ?? false,
    group: inner instanceof z.ZodObject,
    children,
  };
}

/** All settings. */
export const described: Described = describe(schema, "");

/** The description of the setting at a path such as `loki.schema[1].from`; undefined if there is no such setting. */
export const settingAt = (path: string): Described | undefined =>
  path
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<Described | undefined>(
      (node, key) =>
        node?.open
          ? node
          : (node?.children.get(/^\d+$/.test(key) ? anyItem : key) ?? node?.children.get(anyName)),
      described,
    );
