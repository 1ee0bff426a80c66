/** The kinds of settings: each knows what it allows and says it in the same words in messages and in the docs. */
import { z } from "zod";
import { Sensitive } from "./sensitive";
import { cpu, size } from "./units";

declare module "zod" {
  interface GlobalMeta {
    /** What a setting may be, as messages and docs/reference/settings.md say it. */
    allowed?: string;
    /** Whether the setting is a secret: it is set with `--secret` and never shown. */
    secret?: boolean;
    /** Whether it takes any keys, each of them a setting that this schema does not describe. */
    open?: boolean;
    /** What cannot be changed of it once the stack is installed, as docs/reference/settings.md says it. */
    later?: string;
  }
}

/** Text of a form. */
export const text = (allowed: string, form = /^\S.*$/) =>
  z
    .string({ error: () => allowed })
    .regex(form, { error: allowed })
    .meta({ allowed });

/** A whole number within bounds. */
export const wholeNumber = (min: number, max: number) => {
  const allowed = `an integer between ${min} and ${max}`;
  const range = z
    .int({ error: () => allowed })
    .min(min, { error: allowed })
    .max(max, { error: allowed });
  // `pulumi config set --path` writes numbers as numbers, a config file may quote them.
  return z
    .preprocess(
      (value: number | string) => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value),
      range,
    )
    .meta({ allowed });
};

/** A share of a whole. */
export const fraction = () => {
  const allowed = "a number between 0 and 1, such as 0.1";
  const range = z
    .number({ error: () => allowed })
    .min(0, { error: allowed })
    .max(1, { error: allowed });
  return z
    .preprocess(
      (value: number | string) =>
        typeof value === "string" && /^[\d.]+$/.test(value) ? Number(value) : value,
      range,
    )
    .meta({ allowed });
};

/** One of a few words. */
export const oneOf = <const T extends [string, ...string[]]>(...values: T) => {
  const allowed = `one of ${values.join(", ")}`;
  return z.enum(values, { error: () => allowed }).meta({ allowed });
};

/** True or false. */
export const yesNo = () => {
  const allowed = "true or false";
  return z
    .preprocess(
      (value: boolean | "true" | "false") => (value === "true" ? true : value === "false" ? false : value),
      z.boolean({ error: () => allowed }),
    )
    .meta({ allowed });
};

/** A name as Kubernetes takes it for an object or a label. */
export const dnsName = () =>
  text(
    "a Kubernetes name: lowercase letters, digits and dashes, at most 63",
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  );

/** A path as RFC 3986 has it: without quotes and backslashes, so that a query can be written with it. */
export const urlPath = () => text("a URL path without a query", /^\/[\w.~!$&'()*+,;=:@%/-]*$/);

/** An image that is the same tomorrow. */
export const pinnedImage = () =>
  text("an image with a tag or digest, not latest", /^(?!.*:latest$)\S+(:[\w.-]+|@sha256:[0-9a-f]{64})$/);

/** A list; in a stack it replaces the default as a whole. */
export const list = <T extends z.ZodType>(item: T, allowed: string) =>
  z.array(item, { error: () => allowed }).meta({ allowed });

/** Settings that belong together, none of them unknown. */
export const group = <T extends z.ZodRawShape>(shape: T) => {
  const allowed = `settings of their own: ${Object.keys(shape).join(", ")}`;
  return z
    .strictObject(shape, { error: ({ code }) => (code === "invalid_type" ? allowed : undefined) })
    .meta({ allowed });
};

/** A day, in UTC. */
export const date = () => {
  const allowed = "a date such as 2025-01-01";
  // Written without quotes in a config file it is a time for the engine, which hands it over in Go's form.
  const day = (value: string) =>
    typeof value === "string" ? value.replace(/ 00:00:00 \+0000 UTC$/, "") : value;
  return z
    .preprocess(day, z.string({ error: () => allowed }).regex(/^\d{4}-\d{2}-\d{2}$/, { error: allowed }))
    .meta({ allowed });
};

/** A secret; where only its presence is known (`obs render`) it reads `[secret]`. */
export const secret = (allowed: string, form: RegExp) =>
  z
    .custom<string>()
    .transform((value, context): Sensitive => {
      if (typeof value === "string" && (value === "[secret]" || form.test(value)))
        return new Sensitive(value);
      context.issues.push({ code: "custom", input: "[secret]", message: allowed });
      return z.NEVER;
    })
    .meta({ allowed, secret: true });

/** A bucket name as S3 allows it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
export const bucketName = () =>
  text(
    "a bucket name: 3 to 63 lowercase letters, digits, dots and dashes, no consecutive dots",
    /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  );

/** What each replica gets. */
export const resources = {
  cpu: cpu().describe("CPU requested by each replica; no CPU limit is set, so that idle cores can be used"),
  memory: size().describe("Memory requested by each replica"),
  memoryLimit: size().describe("Memory limit of each replica; Go's soft limit follows it"),
};
/** Volume of each replica. */
export const disk = size()
  .describe("Size of the volume of each replica")
  .meta({ later: "larger only, by ./obs upgrade --volumes" });

/** A component without state: replicas and what each of them gets. */
export const workload = (what: string) =>
  group({ replicas: wholeNumber(1, 100).describe("Number of replicas"), ...resources }).describe(what);

/** A component without state that a stack can do without. @param without what happens with 0 replicas */
export const optionalWorkload = (what: string, without: string) =>
  group({
    replicas: wholeNumber(0, 100).describe(`Number of replicas; with 0, ${without}`),
    ...resources,
  }).describe(what);

/** A component without state that may grow. */
export const growing = (what: string) =>
  group({
    replicas: wholeNumber(1, 100).describe("Number of replicas, or the least of them"),
    maxReplicas: wholeNumber(1, 100).describe(
      "Most replicas; where it is more than replicas, CPU (scaling.cpu) decides between the two",
    ),
    ...resources,
  }).describe(what);

/** A component whose replicas have a volume. */
export const stateful = (what: string) =>
  group({ replicas: wholeNumber(1, 100).describe("Number of replicas"), ...resources, disk }).describe(what);

/** A memcached. */
export const cache = (what: string) =>
  group({
    replicas: wholeNumber(0, 20).describe("Number of memcached replicas; 0 leaves memcached out"),
    cpu: cpu().describe("CPU requested by each replica"),
    memory: size().describe("Memory for cached items in each replica; the container gets a fifth more"),
  }).describe(what);

/** A bucket. */
export const bucket = (what: string) =>
  group({
    name: bucketName().describe("Name of the bucket").meta({ later: "fixed while the bucket holds data" }),
    quota: size().optional().describe("Hard limit of what the bucket holds; without it there is none"),
  }).describe(what);

/** Settings that every Ingress has. @param annotations description of its annotations */
export const ingressFields = (annotations: string) => ({
  className: dnsName().optional().describe("Class of the Ingress; without it the cluster's default"),
  tlsSecret: dnsName()
    .optional()
    .describe(
      "Secret with the certificate, existing or made by cert-manager; without it the controller's own",
    ),
  annotations: z
    .record(z.string(), text("a text"), { error: () => "annotations by name" })
    .meta({ allowed: "annotations by name" })
    .optional()
    .describe(annotations),
});
