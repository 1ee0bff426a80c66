/** `obs up`, `preview`, `refresh` and `down`: Pulumi's commands, with a cluster, a backend and checks. */
import { diagnosis } from "../../../components/pod-observation";
import { unpaged } from "../../../components/preflight/checks/receivers";
import { namespaces, usesTls } from "../../../names";
import { refusePlainSecrets, type Settings, UserError } from "../../../settings";
import { problemText } from "../../../settings/problem-text";
import { renamed } from "../../../values/renamed";
import { connect } from "../../lib/cluster";
import { packArguments } from "../../lib/policy-pack";
import { backendEnvironment, exported, outputsOf, pulumi } from "../../lib/pulumi";
import { requireSameCluster } from "../../lib/same-cluster";
import { assertUpgradable } from "../upgrade/dry-run";
import { recoverInterruptedUpdate } from "./recovery";

/** A refresh, also `up --refresh`, reaches MinIO only through the running program. */
const throughProgram = { PULUMI_RUN_PROGRAM: "true" };

interface Options {
  yes?: boolean;
  policies?: boolean;
}

/** Checks the settings, then finds the cluster, and the environment for Pulumi with its backend. */
async function prepare(stack: string) {
  const connection = await connect(stack);
  return { ...connection, environment: backendEnvironment(stack, connection.settings.environment) };
}

/** Prepares a change: rejects secrets in plain text, and selects the stack, which is created if it does not exist. */
async function prepareChange(stack: string, { policies }: Options) {
  const prepared = await prepare(stack);
  const { settings, environment } = prepared;
  refusePlainSecrets(stack, settings, () => false);
  const pack = packArguments(stack, settings.environment, policies);
  const code = await pulumi(["stack", "select", "--create", "--non-interactive", stack], environment);
  if (code !== 0)
    throw new UserError(`stack ${stack} cannot be selected or created; Pulumi's message is above`);
  return { ...prepared, pack };
}

/** `up`; it does not ask for dev stacks. */
export async function up(stack: string, options: Options, rest: string[]): Promise<number> {
  const { environment, pack, ...connection } = await prepareChange(stack, options);
  const { settings, config } = connection;
  await recoverInterruptedUpdate(stack, connection, environment);
  await assertUpgradable(stack, connection);
  const yes = options.yes || settings.environment === "dev" ? ["--yes"] : [];
  const code = await pulumi(["up", "--stack", stack, ...yes, ...pack, ...rest], {
    ...environment,
    ...throughProgram,
  });
  if (code === 0) {
    summary(stack, settings, environment);
    const warnings = unpaged(settings).map((finding) => problemText(stack, finding));
    if (warnings.length) console.error(`\nobs: warning: alerts are not delivered\n${warnings.join("\n")}`);
  } else {
    const unready = await diagnosis(config, Object.values(namespaces(settings)));
    if (unready.length) console.error(`\nobs: not everything is ready:\n  ${unready.join("\n  ")}`);
    console.error(
      `\nobs: the update failed; no data is lost. Fix the cause, then run ./obs up ${stack} again: it continues where this one stopped.\n` +
        "  docs/operations/troubleshooting.md",
    );
  }
  return code;
}

/** How to open Grafana: outside dev, only users of the identity provider can log in. */
export const grafanaLines = (
  stack: string,
  settings: Settings,
  outputs: Record<string, unknown>,
): string[] =>
  settings.environment === "dev"
    ? [
        `Grafana   ${outputs["grafanaUrl"]} (user ${outputs["grafanaAdminUser"]})`,
        `          kubectl -n grafana port-forward svc/grafana 3000:80, then http${usesTls(settings) ? "s" : ""}://localhost:3000`,
        `          password: pulumi stack output --stack ${stack} --show-secrets grafanaAdminPassword`,
      ]
    : [
        `Grafana   ${settings.grafana.url ?? outputs["grafanaUrl"]} (users of grafana.auth)`,
        "          if the identity provider is unavailable: docs/guides/access.md",
      ];

/** Prints the addresses of the stack, and how to open Grafana. */
function summary(stack: string, settings: Settings, environment: Record<string, string>): void {
  const outputs = outputsOf(stack, environment);
  const lines = outputs["hub"]
    ? [
        `Hub       ${outputs["hub"]}, which has the signals of ${outputs["cluster"]}`,
        `Grafana   ${outputs["grafanaUrl"]}`,
        `OTLP      ${outputs["otlpGrpcEndpoint"]} and ${outputs["otlpHttpEndpoint"]}`,
        `Check     ./obs doctor ${stack}`,
      ]
    : [
        ...grafanaLines(stack, settings, outputs),
        `Loki      ${outputs["lokiUrl"]} (tenant ${outputs["lokiTenant"]})`,
        `Mimir     ${outputs["mimirUrl"]} (tenants ${(outputs["mimirTenants"] as string[] | undefined)?.join(", ")})`,
        `Tempo     ${outputs["tempoUrl"]}`,
        ...(outputs["minioConsoleUrl"] ? [`MinIO     ${outputs["minioConsoleUrl"]} (console)`] : []),
        "Users     and passwords, and access from your machine: docs/reference/credentials.md",
        `Check     ./obs smoke ${stack}`,
      ];
  const variables = Object.entries(environment).filter(
    ([name]) => name.startsWith("PULUMI_") && !/SKIP/.test(name),
  );
  if (variables.length)
    lines.push(
      "Pulumi    to use pulumi itself on this stack:",
      ...variables.map(([name, value]) => `          export ${name}=${value}`),
    );
  console.log(`\n${renamed(settings, lines).join("\n")}`);
}

export async function preview(stack: string, options: Options, rest: string[]): Promise<number> {
  const { environment, pack, ...connection } = await prepareChange(stack, options);
  const state = exported(stack, environment);
  if (state) await requireSameCluster(stack, connection, state, false);
  await assertUpgradable(stack, connection);
  return pulumi(["preview", "--stack", stack, ...pack, ...rest], { ...environment, ...throughProgram });
}

export async function refresh(stack: string, options: Options, rest: string[]): Promise<number> {
  const { environment } = await prepare(stack);
  const yes = options.yes ? ["--yes"] : [];
  return pulumi(["refresh", "--stack", stack, ...yes, ...rest], { ...environment, ...throughProgram });
}

export async function down(stack: string, options: Options, rest: string[]): Promise<number> {
  const { environment, ...connection } = await prepare(stack);
  if (connection.settings.cluster.protect)
    console.error(
      "obs: namespaces, buckets, volumes and the encryption key of this stack are protected (cluster.protect). " +
        `To delete them with all data, set cluster.protect to false and run ./obs up ${stack} --no-policies first.`,
    );
  await recoverInterruptedUpdate(stack, connection, environment, true);
  return pulumi(["destroy", "--stack", stack, ...(options.yes ? ["--yes"] : []), ...rest], environment);
}
