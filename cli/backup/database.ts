/** Grafana's SQLite database: what people made. Dashboards and datasources of the stack are made anew by it anyway. */
import { createReadStream, createWriteStream, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  type V1Deployment,
  type V1Pod,
} from "@kubernetes/client-node";
import { podsOf } from "../../components/port-forward";
import { namespaces, releases } from "../../names";
import { UserError } from "../../settings";
import { type ContainerOf, inContainer } from "../exec";
import { sumOf } from "./manifest";
import { replicasTo } from "./stores";

const database = "/var/lib/grafana/grafana.db";
const selector = `app.kubernetes.io/name=${releases.grafana}`;
const helper = "grafana-restore";

/**
 * What is wrong with a file that should be a SQLite database, or undefined. Its header says how many pages there are
 * of which size: https://sqlite.org/fileformat.html#the_database_header
 */
export function notSqlite(file: string): string | undefined {
  const header = readFileSync(file).subarray(0, 100);
  if (header.subarray(0, 16).toString("latin1") !== "SQLite format 3\0") return "it is no SQLite database";
  if (header.readUInt8(18) !== 1) return "it is in WAL mode, so this file is not all of it";
  const page = header.readUInt16BE(16) === 1 ? 65536 : header.readUInt16BE(16);
  const wanted = page * header.readUInt32BE(28);
  const { size } = statSync(file);
  return wanted === size ? undefined : `it has ${size} of ${wanted} bytes`;
}

/**
 * Copies the database while Grafana runs. A copy counts when, after it was made, the file has the copy's checksum and
 * no transaction is under way: then nothing was written in between.
 *
 * @throws UserError when Grafana does not run, or writes without a pause
 */
export async function saveDatabase(config: KubeConfig, file: string): Promise<void> {
  const pods = await podsOf(config, { namespace: namespaces.grafana, selector });
  const running = pods.find(
    ({ status, metadata }) => status?.phase === "Running" && !metadata?.deletionTimestamp,
  );
  if (!running?.metadata?.name) throw new UserError("Grafana does not run, so its database cannot be read");
  const grafana = { namespace: namespaces.grafana, pod: running.metadata.name, container: "grafana" };
  mkdirSync(dirname(file), { recursive: true });
  for (let attempt = 0; attempt < 20; attempt++) {
    const output = createWriteStream(`${file}.part`, { mode: 0o600 });
    await inContainer(config, grafana, `cat ${database}`, { output });
    const look = `ls ${database}-journal ${database}-wal 2>/dev/null || true`;
    const seen = await inContainer(config, grafana, `${look}; sha256sum < ${database}; ${look}`);
    const { sha256 } = await sumOf(`${file}.part`);
    if (seen.trim().split(/\s+/).join(" ") === `${sha256} -` && notSqlite(`${file}.part`) === undefined) {
      renameSync(`${file}.part`, file);
      return;
    }
    await wait(500);
  }
  throw new UserError("Grafana writes to its database all the time, and no copy was whole; try again later");
}

/** A pod with Grafana's volume, made of Grafana's own template: same image, same user, nothing that runs. */
export function helperPod({ spec }: V1Deployment): V1Pod {
  const template = spec?.template.spec;
  const container = template?.containers.find(({ name }) => name === "grafana");
  const mount = container?.volumeMounts?.find(({ mountPath }) => mountPath === dirname(database));
  const volume = template?.volumes?.find(({ name }) => name === mount?.name);
  if (!container?.image || !mount || !volume?.persistentVolumeClaim)
    throw new UserError(`Grafana has no volume for ${database}`);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: helper, namespace: namespaces.grafana, labels: { "app.kubernetes.io/name": helper } },
    spec: {
      restartPolicy: "Never",
      // It ends by itself, should nobody delete it.
      activeDeadlineSeconds: 3600,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      ...(template?.securityContext && { securityContext: template.securityContext }),
      ...(template?.imagePullSecrets && { imagePullSecrets: template.imagePullSecrets }),
      ...(template?.nodeSelector && { nodeSelector: template.nodeSelector }),
      ...(template?.tolerations && { tolerations: template.tolerations }),
      containers: [
        {
          name: helper,
          image: container.image,
          command: ["sleep", "3600"],
          ...(container.securityContext && { securityContext: container.securityContext }),
          resources: {
            requests: { cpu: "10m", memory: "32Mi" },
            limits: { memory: "64Mi" },
          },
          volumeMounts: [mount],
        },
      ],
      volumes: [volume],
    },
  };
}

/** Waits until something holds. @throws when it does not within 5 minutes */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 300_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what} within 5 minutes`);
    await wait(1000);
  }
}

/** Writes the file over the database, in a container that has its volume. */
async function put(config: KubeConfig, pod: ContainerOf, file: string): Promise<void> {
  const { bytes, sha256 } = await sumOf(file);
  const whole = `${database}.restored`;
  const ask = async (script: string) => (await inContainer(config, pod, script)).trim();
  await ask(`: > ${whole}`);
  // What goes through the Kubernetes API may end early, without an error: what is missing is sent again from there on.
  let there = 0;
  let word = "";
  for (let idle = 0; there < bytes && idle < 5; ) {
    const input = createReadStream(file, { start: there });
    await inContainer(config, pod, `head -c ${bytes - there} >> ${whole}`, { input }).catch(
      (error: Error) => {
        word = `; ${error.message}`;
      },
    );
    const now = Number(await ask(`wc -c < ${whole}`));
    idle = now > there ? 0 : idle + 1;
    there = now;
  }
  if (!(await ask(`sha256sum < ${whole}`)).startsWith(sha256))
    throw new UserError(
      `${there} of ${bytes} bytes of Grafana's database arrived, and not as they were sent; the one that was there is untouched. Run the same command again${word}`,
    );
  // What a transaction of the old one left would be taken for one of the new one.
  const clean = `rm -f ${database}-journal ${database}-wal ${database}-shm`;
  await inContainer(config, pod, `chmod 640 ${whole} && ${clean} && mv ${whole} ${database} && sync`);
}

/** Puts the database back: Grafana is stopped, the file written, Grafana started again, also when that fails. */
export async function restoreDatabase(config: KubeConfig, file: string): Promise<void> {
  const [apps, core] = [config.makeApiClient(AppsV1Api), config.makeApiClient(CoreV1Api)];
  const [namespace, name] = [namespaces.grafana, releases.grafana];
  const deployment = await apps.readNamespacedDeployment({ name, namespace });
  const pod = helperPod(deployment);
  await replicasTo(config, "Deployment", deployment, 0);
  const gone = async (one: string) => (await podsOf(config, { namespace, selector: one })).length === 0;
  const remove = () =>
    core.deleteNamespacedPod({ name: helper, namespace }).catch((error: { code?: number }) => {
      if (error.code !== 404) throw error;
    });
  try {
    await until("Grafana did not stop", () => gone(selector));
    await remove();
    await until("an earlier restore's pod did not go", () => gone(`app.kubernetes.io/name=${helper}`));
    await core.createNamespacedPod({ namespace, body: pod });
    await until(
      `the pod ${helper} did not start`,
      async () => (await core.readNamespacedPod({ name: helper, namespace })).status?.phase === "Running",
    );
    await put(config, { namespace, pod: helper, container: helper }, file);
  } finally {
    await remove();
    await until("the restore's pod did not go", () => gone(`app.kubernetes.io/name=${helper}`));
    await replicasTo(config, "Deployment", deployment, undefined);
  }
  await until("Grafana was not ready", async () => {
    const { status, spec } = await apps.readNamespacedDeployment({ name, namespace });
    return (spec?.replicas ?? 0) > 0 && (status?.readyReplicas ?? 0) === spec?.replicas;
  });
}
