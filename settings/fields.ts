/**
 * The types of settings. Each type defines its allowed values, and the text for them in messages and in the
 * documentation.
 */
import { z } from "zod";
import { Sensitive } from "./sensitive";
import { cpu, size } from "./units";

declare module "zod" {
  interface GlobalMeta {
    /** Allowed values, as messages and docs/reference/settings.md describe them. */
    allowed?: string;
    /** Whether the setting is a secret: it is set with `--secret` and never shown. */
    secret?: boolean;
    /** Whether it accepts arbitrary keys, each of them a setting that this schema does not describe. */
    open?: boolean;
    /** Restriction on changes after the installation, as docs/reference/settings.md describes it. */
    later?: string;
  }
}

/** Text that matches a pattern. */
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
  // `pulumi config set --path` writes numbers as numbers; a config file may quote them.
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

/** A name that is valid for a Kubernetes object or label. */
export const dnsName = () =>
  text(
    "a Kubernetes name: lowercase letters, digits and dashes, at most 63",
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  );

/** A path as in RFC 3986, without quotes and backslashes, so that it is safe in a query. */
export const urlPath = () => text("a URL path without a query", /^\/[\w.~!$&'()*+,;=:@%/-]*$/);

/** An image with a tag or digest, so that it does not change. */
export const pinnedImage = () =>
  text("an image with a tag or digest, not latest", /^(?!.*:latest$)\S+(:[\w.-]+|@sha256:[0-9a-f]{64})$/);

/** A list; a stack's value replaces the default as a whole. */
export const list = <T extends z.ZodType>(item: T, allowed: string) =>
  z.array(item, { error: () => allowed }).meta({ allowed });

/** A group of settings; unknown keys are rejected. */
export const group = <T extends z.ZodRawShape>(shape: T) => {
  const allowed = `settings of their own: ${Object.keys(shape).join(", ")}`;
  return z
    .strictObject(shape, { error: ({ code }) => (code === "invalid_type" ? allowed : undefined) })
    .meta({ allowed });
};

/** A day, in UTC. */
export const date = () => {
  const allowed = "a date such as 2025-01-01";
  // The engine parses an unquoted date in a config file as a time, and passes it on in Go's format.
  const day = (value: string) =>
    typeof value === "string" ? value.replace(/ 00:00:00 \+0000 UTC$/, "") : value;
  return z
    .preprocess(day, z.string({ error: () => allowed }).regex(/^\d{4}-\d{2}-\d{2}$/, { error: allowed }))
    .meta({ allowed });
};

/** A secret; reads `[secret]` if only its presence is known (`obs render`). */
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

/** Resources of each replica. */
export const resources = {
  cpu: cpu().describe("CPU requested by each replica; no CPU limit is set, so that idle cores can be used"),
  memory: size().describe("Memory requested by each replica"),
  memoryLimit: size().describe("Memory limit of each replica; Go's soft limit follows it"),
};
/** Volume of each replica. */
export const disk = size()
  .describe("Size of the volume of each replica")
  .meta({ later: "larger only, by ./obs upgrade --volumes" });

/** A stateless component: replicas and the resources of each. */
export const workload = (what: string) =>
  group({ replicas: wholeNumber(1, 100).describe("Number of replicas"), ...resources }).describe(what);

/** An optional stateless component. @param without effect of 0 replicas */
export const optionalWorkload = (what: string, without: string) =>
  group({
    replicas: wholeNumber(0, 100).describe(`Number of replicas; with 0, ${without}`),
    ...resources,
  }).describe(what);

/** A stateless component that can scale out. */
export const growing = (what: string) =>
  group({
    replicas: wholeNumber(1, 100).describe("Number of replicas, or the minimum if it scales"),
    maxReplicas: wholeNumber(1, 100).describe(
      "Maximum number of replicas; if it is more than replicas, CPU usage (scaling.cpu) decides the number",
    ),
    ...resources,
  }).describe(what);

/** A component whose replicas have a volume. */
export const stateful = (what: string) =>
  group({ replicas: wholeNumber(1, 100).describe("Number of replicas"), ...resources, disk }).describe(what);

/** An optional component whose replicas have a volume. @param without effect of 0 replicas */
export const optionalStateful = (what: string, without: string) =>
  group({
    replicas: wholeNumber(0, 100).describe(`Number of replicas; with 0, ${without}`),
    ...resources,
    disk,
  }).describe(what);

/** A memcached. */
export const cache = (what: string) =>
  group({
    replicas: wholeNumber(0, 20).describe("Number of memcached replicas; 0 disables memcached"),
    cpu: cpu().describe("CPU requested by each replica"),
    memory: size().describe("Memory for cached items in each replica; the container gets a fifth more"),
  }).describe(what);

/** A bucket. */
export const bucket = (what: string) =>
  group({
    name: bucketName().describe("Name of the bucket").meta({ later: "fixed while the bucket contains data" }),
    quota: size().optional().describe("Hard limit of the bucket's size; without it, there is none"),
  }).describe(what);

/** Settings that every Ingress has. @param annotations description of its annotations */
export const ingressFields = (annotations: string) => ({
  className: dnsName().optional().describe("Class of the Ingress; default: the cluster's"),
  tlsSecret: dnsName()
    .optional()
    .describe(
      "Secret with the certificate, existing or issued by cert-manager; without it, the controller's own certificate",
    ),
  annotations: z
    .record(z.string(), text("a text"), { error: () => "annotations by name" })
    .meta({ allowed: "annotations by name" })
    .optional()
    .describe(annotations),
});
