/** A stack with a cold tier, for tests: its settings, and its Job run on this machine. */
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import type { Settings } from "../../settings";
import { coldTierEnv, coldTierJob, coldTierOf } from "../../values/cold-tier";
import type { Config } from "./stacks";

/** Settings of a cold tier in another MinIO of the cluster, to which Loki's objects move after two weeks. */
export const coldTier = {
  kind: "minio",
  endpoint: "http://archive.cold.svc:9000",
  bucket: "archive",
  prefix: "observability/prod",
  accessKey: "cold-access",
  secretKey: "cold-secret-of-the-user",
  after: { loki: "14d" },
};

/** A stack's config with that cold tier, with changes. */
export const withColdTier = (change: Config = {}, rest: Config = {}): Config => ({
  ...rest,
  objectStorage: { minio: { coldTier: { ...coldTier, ...change } } },
});

/** The Job of a stack. */
export function jobOf(settings: Settings) {
  const tier = coldTierOf(settings);
  if (!tier) throw new Error("there is no cold tier");
  return { tier, job: coldTierJob(settings, tier) };
}

/** The addresses of the two servers for this machine, the root user of the first, and a folder for mc. */
export interface Place {
  mc: string;
  folder: string;
  minio: string;
  root: { accessKey: string; secretKey: string };
  cold: string;
  /** Folder of the CA certificate, if MinIO serves TLS. */
  ca?: string;
}

/** Does what the Job's container would do: the same command, arguments and environment, with other addresses. */
export function runJob(settings: Settings, place: Place): { code: number | null; output: string } {
  const { tier, job } = jobOf(settings);
  const [{ command, args, env } = { command: [], args: [], env: [] }] = job.spec.template.spec.containers;
  const [program = "", ...first] = command;
  const { status, stdout, stderr } = spawnSync(program, [...first, ...args], {
    encoding: "utf8",
    env: {
      ...Object.fromEntries(env.flatMap((one) => ("value" in one ? [[one.name, one.value]] : []))),
      PATH: `${dirname(place.mc)}:/usr/bin:/bin`,
      HOME: place.folder,
      MC_CONFIG_DIR: place.folder,
      MINIO: place.minio,
      TIER_ENDPOINT: place.cold,
      ...(place.ca && { SSL_CERT_DIR: place.ca }),
      ROOT_USER: place.root.accessKey,
      ROOT_PASSWORD: place.root.secretKey,
      [coldTierEnv.accessKey]: tier.accessKey.reveal(),
      [coldTierEnv.secretKey]: tier.secretKey.reveal(),
    },
  });
  return { code: status, output: `${stdout}${stderr}` };
}
