/**
 * `obs deployments`: a stack's settings for Pulumi Deployments, from `Pulumi.<stack>.deploy.yaml`.
 *
 * Pulumi's CLI read that file up to 3.25x and has dropped it since; the service takes the same structure as JSON:
 * https://www.pulumi.com/docs/reference/cloud-rest-api/schema/deploymentsettings/
 * https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/deployments.go
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { invalid, project, UserError } from "../../../settings";
import { root } from "../../lib/stack-config";

/** A duration as Go writes it. */
const duration = z.string().regex(/^(\d+h)?(\d+m)?(\d+s)?$/);
/** A text, or one that the service has encrypted. A plain secret is refused: the file lies in git. */
const value = z.union([z.string(), z.strictObject({ ciphertext: z.string() })]);

/** The published structure. The service ignores what it does not know, so a wrong name would go unnoticed. */
const deploymentSettings = z.strictObject({
  tag: z.string().optional(),
  executorContext: z
    .strictObject({
      workingDirectory: z.string().optional(),
      executorImage: z.union([z.string(), z.strictObject({ reference: z.string() })]).optional(),
      executorRootPath: z.string().optional(),
    })
    .optional(),
  sourceContext: z
    .strictObject({
      git: z.strictObject({
        repoUrl: z.string().optional(),
        branch: z.string(),
        repoDir: z.string().optional(),
        commit: z.string().optional(),
      }),
    })
    .optional(),
  gitHub: z
    .strictObject({
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
      pullRequestTemplate: z.boolean().optional(),
      deployCommits: z.boolean().optional(),
      previewPullRequests: z.boolean().optional(),
      deployPullRequest: z.int().optional(),
      deployTags: z.boolean().optional(),
      tagFilters: z.array(z.string()).optional(),
      reviewStackLabels: z.array(z.string()).optional(),
      paths: z.array(z.string()).optional(),
    })
    .optional(),
  operationContext: z
    .strictObject({
      oidc: z
        .strictObject({
          aws: z
            .strictObject({
              duration: duration.optional(),
              policyArns: z.array(z.string()).optional(),
              roleArn: z.string().startsWith("arn:"),
              sessionName: z.string(),
            })
            .optional(),
          azure: z
            .strictObject({ clientId: z.string(), tenantId: z.string(), subscriptionId: z.string() })
            .optional(),
          gcp: z
            .strictObject({
              projectId: z.string(),
              region: z.string().optional(),
              workloadPoolId: z.string(),
              providerId: z.string(),
              serviceAccount: z.string(),
              tokenLifetime: duration.optional(),
            })
            .optional(),
        })
        .optional(),
      preRunCommands: z.array(z.string()).optional(),
      environmentVariables: z.record(z.string(), value).optional(),
      options: z
        .strictObject({
          skipInstallDependencies: z.boolean().optional(),
          skipIntermediateDeployments: z.boolean().optional(),
          shell: z.string().optional(),
          deleteAfterDestroy: z.boolean().optional(),
          remediateIfDriftDetected: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
  agentPoolID: z.string().optional(),
  cacheOptions: z.strictObject({ enable: z.boolean() }).optional(),
});
export type DeploymentSettings = z.infer<typeof deploymentSettings>;

/**
 * Reads the text of such a file.
 *
 * @param file its name, for the error
 * @throws UserError that names each field that is wrong or unknown
 */
export function readDeployments(text: string, file: string): DeploymentSettings {
  const found = z.strictObject({ settings: deploymentSettings }).safeParse(parse(text));
  if (found.success) return found.data.settings;
  const problems = found.error.issues.map(
    ({ path, message }) => `  ${path.join(".") || "(the file)"}: ${message}`,
  );
  throw new UserError(
    `${file} is not what Pulumi Deployments takes; nothing was sent.\n${problems.join("\n")}`,
  );
}

/** Where `--apply` sends to. */
export interface Service {
  /** Address of the service. @default `https://api.pulumi.com` */
  address: string;
  token: string;
  organization: string;
}

/**
 * Replaces the stack's settings in the service by these.
 *
 * @throws UserError with the service's answer where it refuses
 */
export async function apply(stack: string, settings: DeploymentSettings, service: Service): Promise<void> {
  const path = [service.organization, project, stack].map(encodeURIComponent).join("/");
  const answer = await fetch(`${service.address}/api/stacks/${path}/deployments/settings`, {
    method: "PUT",
    headers: {
      accept: "application/vnd.pulumi+8",
      "content-type": "application/json",
      authorization: `token ${service.token}`,
    },
    body: JSON.stringify(settings),
    signal: AbortSignal.timeout(30_000),
  }).catch((error: Error) => {
    throw new UserError(`${service.address} was not reached: ${error.message}`);
  });
  if (!answer.ok)
    throw new UserError(
      `${service.address} refused the settings of ${stack}: ${answer.status} ${(await answer.text()).slice(0, 500)}`,
    );
}

/** Checks the file and prints what the service takes, or sends it. */
export async function deployments(
  stack: string,
  options: { apply?: boolean; org?: string },
): Promise<number> {
  const file = `Pulumi.${stack}.deploy.yaml`;
  const path = join(root, file);
  if (!existsSync(path))
    throw new UserError(`there is no ${file}; docs/guides/deployments.md tells what goes into it`);
  const settings = readDeployments(readFileSync(path, "utf8"), file);
  if (!options.apply) {
    console.log(JSON.stringify(settings, null, 2));
    return 0;
  }
  const token = process.env["PULUMI_ACCESS_TOKEN"];
  if (!token || !options.org)
    throw new UserError("--apply needs --org <organization> and an access token in PULUMI_ACCESS_TOKEN");
  const address = (process.env["PULUMI_BACKEND_URL"] ?? "https://api.pulumi.com").replace(/\/$/, "");
  if (!/^https?:/.test(address))
    throw new UserError(
      invalid(
        "PULUMI_BACKEND_URL",
        address,
        "the address of Pulumi Cloud: no other backend runs deployments",
      ),
    );
  await apply(stack, settings, { address, token, organization: options.org });
  console.log(`${options.org}/${project}/${stack} runs as ${file} says`);
  return 0;
}
