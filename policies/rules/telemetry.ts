/** Retention, sampling and tenants of the data. */
import { secondsOf } from "../../settings/units";
import { at, valuesOf } from "../pods";
import { always, inProd, type Subject, type SubjectRule, type Tree, type Violation } from "../rule";

/** The sampling ratio of a subject; undefined without one. */
function ratioOf({ kind, object }: Subject): { place: string; ratio: number } | undefined {
  if (kind === "Stack" && typeof object["tracesSamplingRatio"] === "number")
    return { place: "output tracesSamplingRatio", ratio: object["tracesSamplingRatio"] };
  const { type, argument } = object["spec"]?.sampler ?? {};
  // An Instrumentation of a single service also has its ratio as an attribute.
  const ofOne = object["spec"]?.resource?.resourceAttributes?.["sampling.ratio"] !== undefined;
  if (kind !== "Instrumentation" || ofOne) return undefined;
  if (/always_off$/.test(type)) return { place: "spec.sampler", ratio: 0 };
  return /traceidratio$/.test(type) ? { place: "spec.sampler", ratio: Number(argument) } : undefined;
}

const percent = (ratio: number): string => `${Math.round(ratio * 1000) / 10} %`;

export const sampling: SubjectRule = {
  id: "sampling",
  outputs: true,
  requires: "Production keeps at most 10 % of traces, development all of them.",
  why: "in production more traces add cost without benefit, and in development a missing trace hinders debugging",
  level: always,
  config: { prodMaximum: { type: "number", default: 0.1 }, devMinimum: { type: "number", default: 1 } },
  check: (subject, { environment, config }) => {
    const found = ratioOf(subject);
    if (!found) return [];
    const [wrong, bound, parameter] =
      environment === "prod"
        ? [found.ratio > config["prodMaximum"], `at most ${percent(config["prodMaximum"])}`, "prodMaximum"]
        : [found.ratio < config["devMinimum"], `at least ${percent(config["devMinimum"])}`, "devMinimum"];
    return wrong
      ? [
          {
            what: `${found.place} keeps ${percent(found.ratio)} of traces, not ${bound}`,
            fix: `Set tracing.sampling.ratio to ${bound}, or change ${parameter} in policies/config/<stack>.json.`,
          },
        ]
      : [];
  },
};

/** The value of each store's retention, and the required number of days. */
const kept: Record<string, { path: string[]; setting: string; parameter: string }> = {
  loki: {
    path: ["loki", "limits_config", "retention_period"],
    setting: "loki.retention.application",
    parameter: "lokiDays",
  },
  mimir: {
    path: ["mimir", "structuredConfig", "limits", "compactor_blocks_retention_period"],
    setting: "mimir.retention",
    parameter: "mimirDays",
  },
  tempo: {
    path: ["compactor", "config", "compaction", "block_retention"],
    setting: "tempo.retention",
    parameter: "tempoDays",
  },
};

export const retentionMinimums: SubjectRule = {
  id: "retention-minimums",
  requires: "Production keeps logs 30 days, metrics 365 and traces 30, at least.",
  why: "data deleted too early is missing in an audit or incident",
  level: inProd,
  config: {
    lokiDays: { type: "number", default: 30 },
    mimirDays: { type: "number", default: 365 },
    tempoDays: { type: "number", default: 30 },
  },
  check: (subject, { config }) => {
    const values = valuesOf(subject);
    const where = kept[subject.name];
    if (!values || !where) return [];
    const days = config[where.parameter] as number;
    const seconds = secondsOf(at(values, ...where.path));
    // 0 or a missing value means unlimited retention.
    return seconds === undefined || seconds === 0 || seconds >= days * 86400
      ? []
      : [
          {
            what: `values.${where.path.join(".")} keeps data for ${seconds / 86400} days, fewer than ${days}`,
            fix: `Set ${where.setting} to ${days}d or more, or lower ${where.parameter} in policies/config/<stack>.json.`,
          },
        ];
  },
};

/** Loki deletes nothing, whatever its retention, unless retention is enabled in its compactor. */
const retentionOn = (subject: Subject, values: Tree): Violation[] =>
  subject.name === "loki" && at(values, "loki", "compactor", "retention_enabled") !== true
    ? [
        {
          what: "values.loki.compactor.retention_enabled is not true",
          fix: "Set it, with a delete_request_store (values/loki.ts).",
        },
      ]
    : [];

export const retentionRuns: SubjectRule = {
  id: "retention-runs",
  requires: "Loki's compactor applies retention.",
  why: "otherwise the bucket grows until it is full, and the lifecycle rule deletes chunks that the index still references",
  level: always,
  check: (subject) => {
    const values = valuesOf(subject);
    return values ? retentionOn(subject, values) : [];
  },
};

/** The setting of each store that separates tenants. */
const tenancySwitch: Record<string, string[]> = {
  loki: ["loki", "auth_enabled"],
  mimir: ["mimir", "structuredConfig", "multitenancy_enabled"],
  tempo: ["multitenancyEnabled"],
};

export const tenancy: SubjectRule = {
  id: "tenancy",
  requires: "Multi-tenancy is enabled in Loki, Mimir and Tempo.",
  why: "otherwise all data belongs to one tenant: limits, retention and gateway users do not apply, and existing data is not found",
  level: always,
  check: (subject) => {
    const values = valuesOf(subject);
    const path = tenancySwitch[subject.name];
    return values && path && at(values, ...path) !== true
      ? [{ what: `values.${path.join(".")} is not true`, fix: `Set it in values/${subject.name}.ts.` }]
      : [];
  },
};

/** Variables of a collector, by name. */
const variablesOf = (values: Tree): Record<string, unknown> =>
  Object.fromEntries(
    ((at(values, "alloy", "extraEnv") ?? []) as Tree[]).map(({ name, value }) => [name, value] as const),
  );

/** Names of the cluster that an agent's collector adds to signals, by the variable that contains them. */
function clusterNames({ CLUSTER, RESOURCE_STATEMENTS = "[]" }: Record<string, unknown>) {
  const statements: string[] = JSON.parse(String(RESOURCE_STATEMENTS));
  const names = statements.flatMap(
    (one) => /^set\(attributes\["k8s\.cluster\.name"\], "([^"]*)"\)/.exec(one)?.[1] ?? [],
  );
  return [
    ...(CLUSTER === undefined ? [] : [{ variable: "CLUSTER", name: String(CLUSTER) }]),
    ...names.map((name) => ({ variable: "RESOURCE_STATEMENTS", name })),
  ];
}

export const agentCluster: SubjectRule = {
  id: "agent-cluster",
  requires: "Collectors of an agent name the cluster whose gateway user they have.",
  why: "the hub would show its signals as those of another cluster, or discard them",
  level: always,
  check: (subject) => {
    const values = valuesOf(subject);
    const variables = values ? variablesOf(values) : {};
    // Only agents have client certificates.
    if (!variables["GATEWAY_CERTIFICATE"]) return [];
    const users = Object.entries(variables).flatMap(([name, value]) => {
      if (name === "WRITERS") return Object.values(JSON.parse(String(value)) as Record<string, string>);
      return /_USER$/.test(name) ? [String(value)] : [];
    });
    return clusterNames(variables).flatMap(({ variable, name }) =>
      [...new Set(users)]
        .filter((user) => user !== `${name}-write`)
        .map((user) => ({
          what: `${variable} names cluster ${name}, and the user is ${user}`,
          fix: "Set cluster.name to the name that the hub lists in agents, and leave both variables to the stack.",
        })),
    );
  },
};
