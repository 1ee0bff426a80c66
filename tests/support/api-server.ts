/** A real Kubernetes API server on loopback, to check which objects it accepts; without controllers and pods. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { KubernetesObject } from "./rendered";
import { freePort, Server } from "./servers";

/** The API server's response to an object. */
export interface Verdict {
  /** HTTP status; 201 if the object was accepted. */
  status: number;
  /** Why it was rejected. */
  message: string;
  /** Its warnings: deprecated fields, violations of Pod Security. */
  warnings: string[];
}

interface Answer {
  status: number;
  warnings: string[];
  body: Record<string, unknown>;
}

/** A kind as returned by discovery. */
interface ApiResource {
  name: string;
  kind: string;
  namespaced: boolean;
}

export class ApiServer {
  private readonly kinds = new Map<string, Promise<ApiResource[]>>();

  private constructor(
    private readonly folder: string,
    private readonly servers: Server[],
    private readonly port: number,
    private readonly token: string,
    private readonly agent: Agent,
  ) {}

  /** Starts etcd and the API server. */
  static async start(etcd: string, kubeApiserver: string): Promise<ApiServer> {
    const folder = mkdtempSync(join(tmpdir(), "observability-api-"));
    const servers: Server[] = [];
    try {
      const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
      const etcdUrl = `http://127.0.0.1:${client}`;
      const peerUrl = `http://127.0.0.1:${peer}`;
      servers.push(
        await Server.start(
          etcd,
          [
            `--data-dir=${join(folder, "etcd")}`,
            `--listen-client-urls=${etcdUrl}`,
            `--advertise-client-urls=${etcdUrl}`,
            `--listen-peer-urls=${peerUrl}`,
            `--initial-advertise-peer-urls=${peerUrl}`,
            `--initial-cluster=default=${peerUrl}`,
            "--unsafe-no-fsync",
          ],
          { ready: async () => (await fetch(`${etcdUrl}/health`)).ok },
        ),
      );

      const token = randomBytes(24).toString("hex");
      writeFileSync(join(folder, "tokens.csv"), `${token},test,test,system:masters\n`, { mode: 0o600 });
      const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const key = join(folder, "service-accounts.pem");
      writeFileSync(key, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
      const certificate = join(folder, "apiserver.crt");
      let api: ApiServer | undefined;
      servers.push(
        await Server.start(
          kubeApiserver,
          [
            `--etcd-servers=${etcdUrl}`,
            "--bind-address=127.0.0.1",
            `--secure-port=${port}`,
            `--cert-dir=${folder}`,
            `--token-auth-file=${join(folder, "tokens.csv")}`,
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            `--service-account-key-file=${key}`,
            `--service-account-signing-key-file=${key}`,
            "--service-cluster-ip-range=10.96.0.0/16",
            "--allow-privileged",
            "--endpoint-reconciler-type=none",
            // Without controllers, namespaces have no default ServiceAccount, and no pod would be admitted.
            "--disable-admission-plugins=ServiceAccount",
          ],
          {
            ready: async () => {
              // It signs its own certificate when it starts.
              api ??= new ApiServer(
                folder,
                servers,
                port,
                token,
                new Agent({ ca: readFileSync(certificate), keepAlive: true }),
              );
              return (await api.ask("GET", "/readyz")).status === 200;
            },
          },
        ),
      );
      if (!api) throw new Error("the API server is not ready");
      return api;
    } catch (error) {
      for (const server of servers.reverse()) await server.stop();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** A kubeconfig for this server, as a file that is deleted with it. */
  kubeconfig(): string {
    const file = join(this.folder, "kubeconfig");
    const server = `https://127.0.0.1:${this.port}`;
    const authority = join(this.folder, "apiserver.crt");
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "test", cluster: { server, "certificate-authority": authority } }],
      users: [{ name: "test", user: { token: this.token } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
      "current-context": "test",
    };
    writeFileSync(file, stringify(config), { mode: 0o600 });
    return file;
  }

  /** Its version, such as `Kubernetes v1.34.3`. */
  async version(): Promise<string> {
    return `Kubernetes ${(await this.ask("GET", "/version")).body["gitVersion"]}`;
  }

  /** Writes the status of a pod, as its kubelet would. */
  async updatePodStatus(pod: KubernetesObject, namespace: string): Promise<number> {
    const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/status`;
    return (await this.ask("PUT", path, pod)).status;
  }

  /** Creates an object unless it exists; when this resolves, a CRD is served. */
  async create(object: KubernetesObject): Promise<Verdict> {
    const verdict = await this.post(object, "default", "fieldValidation=Strict");
    if (object.kind === "CustomResourceDefinition" && [201, 409].includes(verdict.status))
      await this.served(object);
    return verdict;
  }

  /** The response to an object: all checks of a creation, unknown fields rejected, nothing stored. */
  async check(object: KubernetesObject, namespace: string): Promise<Verdict> {
    return this.post(object, namespace, "fieldValidation=Strict&dryRun=All");
  }

  /** Stops both servers and removes their files. */
  async stop(): Promise<void> {
    this.agent.destroy();
    for (const server of [...this.servers].reverse()) await server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Waits until the kinds of a CRD are served. */
  private async served({ metadata, spec }: KubernetesObject): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (const { name, served } of spec.versions as { name: string; served: boolean }[]) {
      const base = `/apis/${spec.group}/${name}`;
      const isThere = async () => (await this.discover(base)).some(({ kind }) => kind === spec.names.kind);
      while (served && !(await isThere())) {
        if (Date.now() > deadline) throw new Error(`${metadata.name} is not served`);
        this.kinds.delete(base);
        await new Promise((done) => setTimeout(done, 100));
      }
    }
  }

  private async post(object: KubernetesObject, namespace: string, query: string): Promise<Verdict> {
    const base = object.apiVersion.includes("/") ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
    const kind = (await this.discover(base)).find((k) => k.kind === object.kind && !k.name.includes("/"));
    if (!kind)
      return { status: 404, message: `there is no ${object.apiVersion} ${object.kind}`, warnings: [] };
    const within = kind.namespaced ? `/namespaces/${object.metadata.namespace ?? namespace}` : "";
    const { status, warnings, body } = await this.ask(
      "POST",
      `${base}${within}/${kind.name}?${query}`,
      object,
    );
    return { status, warnings, message: String(body["message"] ?? "") };
  }

  private discover(base: string): Promise<ApiResource[]> {
    const known =
      this.kinds.get(base) ??
      this.ask("GET", base).then(({ body }) => (body["resources"] ?? []) as ApiResource[]);
    this.kinds.set(base, known);
    return known;
  }

  private ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    const options = { method, path, headers, host: "127.0.0.1", port: this.port, agent: this.agent };
    return new Promise((done, fail) => {
      const sent = request(options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        response.once("end", () => {
          const json = response.headers["content-type"]?.startsWith("application/json");
          // RFC 7234: warn-code, warn-agent, quoted text.
          const warnings = [...(response.headers["warning"] ?? "").matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)];
          done({
            status: response.statusCode ?? 0,
            warnings: warnings.map(([, warning = ""]) => warning.replace(/\\(.)/g, "$1")),
            body: json ? JSON.parse(text) : { message: text },
          });
        });
      });
      sent.once("error", fail);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
