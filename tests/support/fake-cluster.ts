/**
 * The part of the Kubernetes API that `obs` needs to reach servers on loopback as if they were pods: Secrets, Services,
 * port-forwards and logs. Created objects are kept; pods are ready at once.
 */
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import type { Readable, Writable } from "node:stream";
import { KubeConfig, PortForward } from "@kubernetes/client-node";

export interface FakeClusterOptions {
  /**
   * Loopback ports of servers, by namespace and port of the pods: `loki:8080`. A pod has the last value of the selector
   * with which it is listed as its name, so that `mimir/ruler:8080` is also possible.
   */
  ports: Record<string, number>;
  /** Secrets as plain text, by namespace and name. */
  secrets?: Record<string, Record<string, string>>;
  /** Logs of pods, by namespace and name. */
  logs?: Record<string, () => string>;
  /** Receives each created object. */
  created?: (object: Created) => Promise<void> | void;
}

export interface Created {
  kind?: string;
  metadata: { name: string; namespace?: string };
  // biome-ignore lint/suspicious/noExplicitAny: any kind
  spec?: any;
}

const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };

/** The fake clusters that run, by the address of their API. */
const clusters = new Map<string, FakeCluster>();

/** The client's port-forward, to servers on loopback instead of pods if the cluster is a fake one. */
const { portForward } = PortForward.prototype;
PortForward.prototype.portForward = async function (namespace, pod, ports, output, ...others) {
  const { config } = (this as unknown as { handler: { config: KubeConfig } }).handler;
  const cluster = clusters.get(config.getCurrentCluster()?.server ?? "");
  if (!cluster) return portForward.call(this, namespace, pod, ports, output, ...others);
  const [, input] = others;
  const server = connect(cluster.portOf(namespace, pod, ports[0] ?? 0), "127.0.0.1");
  const websocket = { close: () => server.destroy(), onclose: () => undefined };
  server.on("error", () => server.destroy()).on("close", () => websocket.onclose());
  server.pipe(output as Writable, { end: false });
  (input as Readable).pipe(server);
  return websocket as never;
};

export class FakeCluster {
  readonly config = new KubeConfig();
  readonly created: Created[] = [];

  private constructor(
    private readonly server: Server,
    private readonly options: FakeClusterOptions,
  ) {
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    this.config.loadFromClusterAndUser({ name: "fake", server: url, skipTLSVerify: true }, { name: "admin" });
    clusters.set(url, this);
  }

  /** The loopback port of the server behind a port of a namespace's pods. @throws if there is none */
  portOf(namespace: string, pod: string, port: number): number {
    const { ports } = this.options;
    const found = ports[`${namespace}/${pod}:${port}`] ?? ports[`${namespace}:${port}`];
    if (!found) throw new Error(`no server for ${namespace}/${pod}:${port}`);
    return found;
  }

  static async start(options: FakeClusterOptions): Promise<FakeCluster> {
    let cluster: FakeCluster;
    const server = createServer(async (asked, response) => {
      let body = "";
      for await (const part of asked) body += part;
      const answer = await cluster.answer(asked.method ?? "", asked.url ?? "", body);
      if (typeof answer === "string") response.setHeader("content-type", "text/plain").end(answer);
      else
        response
          .setHeader("content-type", "application/json")
          .writeHead(answer ? 200 : 404)
          .end(JSON.stringify(answer ?? { kind: "Status", code: 404, message: "not found" }));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    cluster = new FakeCluster(server, options);
    return cluster;
  }

  /** The object, or the text of a log; undefined if it does not exist. */
  private async answer(method: string, url: string, body: string): Promise<object | string | undefined> {
    const { secrets = {}, logs = {}, ports, created } = this.options;
    const { pathname, searchParams } = new URL(url, "http://cluster");
    const [, namespace = "", kind = "", name = "", part] =
      /\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(pathname) ?? [];
    if (method === "POST") {
      const object = JSON.parse(body) as Created;
      this.created.push(object);
      await created?.(object);
      return object;
    }
    if (part === "log") return logs[`${namespace}/${name}`]?.();
    if (kind === "secrets") {
      const found = secrets[`${namespace}/${name}`];
      const encoded = (text: string) => Buffer.from(text).toString("base64");
      return (
        found && {
          data: Object.fromEntries(Object.entries(found).map(([key, text]) => [key, encoded(text)])),
        }
      );
    }
    const pod = (podName: string) => ({
      metadata: { name: podName, namespace },
      spec: { containers: [] },
      status: ready,
    });
    if (kind === "pods")
      return name
        ? pod(name)
        : { items: [pod(searchParams.get("labelSelector")?.split("=").at(-1) || "pod")] };
    if (kind === "services") {
      const numbers = Object.keys(ports).filter((one) => one.startsWith(`${namespace}:`));
      const served = numbers.map((one) => Number(one.split(":")[1]));
      return { spec: { clusterIP: "127.0.0.1", ports: served.map((port) => ({ port, targetPort: port })) } };
    }
    return undefined;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
