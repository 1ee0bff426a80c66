/** A load test in the cluster: a namespace with a Job, which is followed until it ends and then deleted. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BatchV1Api, CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { caCertificate } from "../../../components/port-forward";
import { caBundle, gatewayUser, loadTest, namespaces, services, tenants, usesTls } from "../../../names";
import { UserError } from "../../../settings";
import type { Connection } from "../../lib/cluster";
import { basicAuth, gatewayPassword } from "../../lib/gateway";
import { followJob } from "../../lib/job-log";
import { inNamespace } from "../../lib/namespace";
import { root } from "../../lib/stack-config";
import { jobManifest, metadata, ownNamespace, script } from "./manifest";
import type { Plan } from "./plan";
import { readSteps, readSummary, type Summary, stepText } from "./summary";

/** The script that k6 runs. */
export const scriptFile = join(root, "cli", "commands", "load", "script.js");

const { namespace, name } = loadTest;
/** Lines and characters at the end of the log that are read and kept: with a store unavailable, each request has a line. */
const logEnd = { lines: 2000, characters: 500_000 };

/** Users of the gateways, by the variable of the script that has their credentials. Alloy accepts traces from everyone. */
const users = {
  LOKI_READ: ["loki", gatewayUser(tenants.logs, "read")],
  LOKI_WRITE: ["loki", gatewayUser(tenants.logs, "write")],
  MIMIR_READ: ["mimir", gatewayUser(tenants.pods, "read")],
  MIMIR_WRITE: ["mimir", gatewayUser(tenants.pods, "write")],
  TEMPO_READ: ["tempo", gatewayUser(tenants.traces, "read")],
} as const;

/** The header `Authorization` of each user. */
async function credentials({ config, settings }: Connection): Promise<Record<string, string>> {
  const entries = Object.entries(users).map(async ([variable, [store, user]]) => {
    const password = await gatewayPassword(config, services(settings)[store], user);
    return [variable, basicAuth(user, password)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Creates the objects in the namespace. */
async function start(connection: Connection, plan: Plan): Promise<void> {
  const { config, settings } = connection;
  const core = config.makeApiClient(CoreV1Api);
  const stringData = await credentials(connection);
  await core.createNamespacedSecret({ namespace, body: { metadata, stringData } });
  const configMap = (name: string, data: Record<string, string>) =>
    core.createNamespacedConfigMap({ namespace, body: { metadata: { ...metadata, name }, data } });
  await configMap(name, { [script]: readFileSync(scriptFile, "utf8") });
  if (usesTls(settings)) {
    const ca = await caCertificate(config, namespaces(settings).alloyTraces);
    await configMap(caBundle.name, { [caBundle.file]: ca });
  }
  const body = jobManifest(settings, plan);
  await config.makeApiClient(BatchV1Api).createNamespacedJob({ namespace, body });
}

export interface LoadLife {
  /** Reports progress, a line at a time. */
  tell(line: string): void;
  /** Aborts it. */
  stop: AbortSignal;
  /** Leaves the namespace in the cluster. @default false */
  keep?: boolean;
}

/** Follows the Job, and reports each step. @throws UserError if there is no summary */
async function follow(config: KubeConfig, plan: Plan, { tell, stop }: LoadLife): Promise<Summary> {
  let log = "";
  let reported = 0;
  const write = (text: string) => {
    log = (log + text).slice(-logEnd.characters);
    for (const step of readSteps(log).filter((one) => one.step > reported)) {
      reported = step.step;
      tell(stepText(plan, step));
    }
  };
  await followJob(config, namespace, name, write, stop, logEnd.lines);
  const summary = readSummary(log);
  if (!summary) throw new UserError(`k6 did not finish; its log ends with:\n${log.slice(-2000)}`);
  return summary;
}

/** Loads a stack, runs an action with the result while the pod still exists, and deletes everything in any case. */
export const withLoad = <T>(
  connection: Connection,
  plan: Plan,
  life: LoadLife,
  action: (summary: Summary) => Promise<T>,
): Promise<T> =>
  inNamespace(
    connection,
    ownNamespace,
    life.tell,
    async () => {
      await start(connection, plan);
      life.tell(`${plan.steps} steps of ${plan.seconds} s; run ${plan.run}`);
      return action(await follow(connection.config, plan, life));
    },
    { keep: life.keep ?? false },
  );
