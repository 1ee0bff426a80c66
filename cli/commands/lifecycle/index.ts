/** `obs up`, `preview`, `refresh` and `down`: Pulumi's own commands, with everything around them found or made. */
import { kubeConfig } from "../../../components/kube-config";
import { diagnosis } from "../../../components/pod-diagnosis";
import { unpaged } from "../../../components/preflight/checks/receivers";
import { namespaces } from "../../../names";
import { refusePlainSecrets, type Settings, UserError } from "../../../settings";
import { problemText } from "../../../settings/problem-text";
import { renamed } from "../../../values/renamed";
import { type Located, locate } from "../../lib/cluster";
import { packArguments } from "../../lib/policy-pack";
import { backendEnvironment, pulumi, pulumiJson } from "../../lib/pulumi";
import { assertUpgradable } from "../upgrade/moved";
import { recoverInterruptedUpdate } from "./recovery";

/** A refresh, also one with `up --refresh`, reaches MinIO only through the running program. */
const throughProgram = { PULUMI_RUN_PROGRAM: "true" };

/** Checks the settings, then finds cluster and backend. */
async function prepare(stack: string): Promise<Located> {
  const { settings, environment } = await locate(stack);
  return { settings, environment: { ...backendEnvironment(stack, settings.environment), ...environment } };
}

/** The stack must exist; Pulumi is asked first, so that an old one is never made anew. */
async function ensureStack(stack: string, environment: Record<string, string>): Promise<void> {
  const code = await pulumi(["stack", "select", "--create", "--non-interactive", stack], environment);
  if (code !== 0) throw new UserError(`stack ${stack} could not be selected or made`);
}

/** What is checked before anything is made or changed: a secret in the config's file that everybody can read. */
async function prepareChange(stack: string): Promise<Located> {
  const located = await prepare(stack);
  refusePlainSecrets(stack, located.settings, () => false);
  return located;
}

/** `up`; a dev stack is not asked about. */
export async function up(
  stack: string,
  options: { yes?: boolean; policies?: boolean },
  rest: string[],
): Promise<number> {
  const { settings, environment } = await prepareChange(stack);
  const pack = packArguments(stack, settings.environment, options.policies);
  await ensureStack(stack, environment);
  await recoverInterruptedUpdate(stack, settings, environment);
  await assertUpgradable(stack, settings, environment);
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
    await reportUnready(settings, environment);
    console.error(
      `\nobs: the update did not finish. Nothing that was there is lost: run ./obs up ${stack} again, where it was not\n` +
        "  interrupted once the cause is mended. It goes on from where this one stopped; docs/operations/troubleshooting.md has more.",
    );
  }
  return code;
}

/** Reports what keeps pods of the stack from being ready. */
async function reportUnready(settings: Settings, environment: Record<string, string>): Promise<void> {
  Object.assign(process.env, environment);
  const lines = await diagnosis(kubeConfig(settings), Object.values(namespaces(settings)));
  if (lines.length) console.error(`\nobs: not everything is ready:\n  ${lines.join("\n  ")}`);
}

/** What is there now and how to open it. */
function summary(stack: string, settings: Settings, environment: Record<string, string>): void {
  const outputs = pulumiJson(["stack", "output", "--stack", stack], environment) ?? {};
  const passwords = (output: string) =>
    `          passwords of all users: pulumi stack output --stack ${stack} --show-secrets ${output}`;
  const lines = outputs["hub"]
    ? [
        `Hub       ${outputs["hub"]}, which has the signals of ${outputs["cluster"]}`,
        `Grafana   ${outputs["grafanaUrl"]}`,
        `OTLP      ${outputs["otlpGrpcEndpoint"]} and ${outputs["otlpHttpEndpoint"]}`,
        `Check     ./obs doctor ${stack}`,
      ]
    : [
        `Grafana   ${outputs["grafanaUrl"]} (user ${outputs["grafanaAdminUser"]}, in dev)`,
        "          kubectl -n grafana port-forward svc/grafana 3000:80, then http://localhost:3000",
        `          password: pulumi stack output --stack ${stack} --show-secrets grafanaAdminPassword`,
        `Loki      ${outputs["lokiUrl"]} (tenant ${outputs["lokiTenant"]})`,
        "          kubectl -n loki port-forward svc/loki-gateway 3100:80",
        `          curl -G -u logs-read:PASSWORD http://localhost:3100/loki/api/v1/query_range --data-urlencode 'query={namespace="loki"}'`,
        passwords("lokiPasswords"),
        `Mimir     ${outputs["mimirUrl"]} (tenants ${(outputs["mimirTenants"] as string[] | undefined)?.join(", ")})`,
        "          kubectl -n mimir port-forward svc/mimir-gateway 8080:80",
        "          curl -G -u pods.nodes-read:PASSWORD http://localhost:8080/prometheus/api/v1/query --data-urlencode 'query=up'",
        passwords("mimirPasswords"),
        `Tempo     ${outputs["tempoUrl"]}`,
        "          kubectl -n tempo port-forward svc/tempo-gateway 3200:80",
        "          curl -G -u traces-read:PASSWORD http://localhost:3200/api/search --data-urlencode 'q={ }'",
        passwords("tempoPasswords"),
        ...(outputs["minioConsoleUrl"]
          ? [
              `MinIO     console ${outputs["minioConsoleUrl"]} (user ${outputs["minioRootUser"]})`,
              "          kubectl -n minio port-forward svc/minio-console 9001:9001, then http://localhost:9001",
              `          password: pulumi stack output --stack ${stack} --show-secrets minioRootPassword`,
            ]
          : []),
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

/** `preview`: what `up` would change. */
export async function preview(
  stack: string,
  options: { policies?: boolean },
  rest: string[],
): Promise<number> {
  const { settings, environment } = await prepareChange(stack);
  const pack = packArguments(stack, settings.environment, options.policies);
  await ensureStack(stack, environment);
  await assertUpgradable(stack, settings, environment);
  return pulumi(["preview", "--stack", stack, ...pack, ...rest], { ...environment, ...throughProgram });
}

/** `refresh`: reads the real state of everything. */
export async function refresh(stack: string, options: { yes?: boolean }, rest: string[]): Promise<number> {
  const { environment } = await prepare(stack);
  const yes = options.yes ? ["--yes"] : [];
  return pulumi(["refresh", "--stack", stack, ...yes, ...rest], { ...environment, ...throughProgram });
}

/** `down`: deletes the stack's resources; the stack's config stays. */
export async function down(stack: string, options: { yes?: boolean }, rest: string[]): Promise<number> {
  const { settings, environment } = await prepare(stack);
  if (settings.cluster.protect)
    console.error(
      "obs: namespaces, buckets, volumes and the encryption key of this stack are protected (cluster.protect). " +
        "To delete them all the same: set cluster.protect to false and run up first; the data is gone then.",
    );
  await recoverInterruptedUpdate(stack, settings, environment, true);
  return pulumi(["destroy", "--stack", stack, ...(options.yes ? ["--yes"] : []), ...rest], environment);
}
