/** A real Mimir with the program's own configuration: all components in one process on loopback, with files for S3. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Settings } from "../../settings";
import { alertmanagerConfig } from "../../values/alertmanager";
import { mimirConfiguration, mimirOverrides } from "../../values/mimir-configuration";
import { type Labels, type Series, writeHeaders, writeRequest } from "./remote-write";
import { freePort, Server } from "./servers";

/** Rings, and the store that each uses for discovery. */
const rings = [
  "alertmanager.sharding-ring",
  "compactor.ring",
  "distributor.ring",
  "ingester.ring",
  "overrides-exporter.ring",
  "querier.ring",
  "query-frontend",
  "query-scheduler.ring",
  "ruler.ring",
  "store-gateway.sharding-ring",
];

/** Arguments with which a Mimir with any configuration listens only on loopback. */
export const onLoopback = (http: number, grpc: number, gossip: number): string[] => [
  "-server.http-listen-address=127.0.0.1",
  `-server.http-listen-port=${http}`,
  "-server.grpc-listen-address=127.0.0.1",
  `-server.grpc-listen-port=${grpc}`,
  "-memberlist.bind-addr=127.0.0.1",
  "-memberlist.advertise-addr=127.0.0.1",
  `-memberlist.bind-port=${gossip}`,
  ...rings.map((ring) => `-${ring}.instance-addr=127.0.0.1`),
];

/** A response of Mimir. */
export interface Answer {
  status: number;
  body: string;
}

/** A sample of an instant query. */
export interface Sample {
  labels: Labels;
  value: number;
}

export class Mimir {
  private server: Server | undefined;

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    private readonly args: string[],
    private readonly environment: Record<string, string>,
    readonly url: string,
  ) {}

  /** Starts it in a folder, which keeps its data, optionally with more arguments. */
  static async start(
    program: string,
    folder: string,
    settings: Settings,
    more: string[] = [],
    environment: Record<string, string> = {},
  ): Promise<Mimir> {
    mkdirSync(folder, { recursive: true });
    const write = (name: string, content: unknown) => writeFileSync(join(folder, name), stringify(content));
    write("mimir.yaml", mimirConfiguration(settings));
    write("runtime.yaml", { overrides: mimirOverrides(settings) });
    write("alertmanager.yaml", alertmanagerConfig(settings));
    const [http, grpc, gossip] = [await freePort(), await freePort(), await freePort()];
    const url = `http://127.0.0.1:${http}`;
    const args = [
      "-target=all,alertmanager",
      "-config.file=mimir.yaml",
      "-runtime-config.file=runtime.yaml",
      "-log.level=warn",
      ...onLoopback(http, grpc, gossip),
      // Paths are relative to its working directory.
      "-common.storage.backend=filesystem",
      "-alertmanager.configs.fallback=alertmanager.yaml",
      `-ruler.alertmanager-url=${url}/alertmanager`,
      "-ingester.ring.min-ready-duration=0s",
      ...more,
    ];
    const mimir = new Mimir(program, folder, args, environment, url);
    await mimir.run();
    return mimir;
  }

  /** Starts it again with its data, on the same ports. */
  async run(): Promise<void> {
    this.server = await Server.start(this.program, this.args, {
      folder: this.folder,
      environment: this.environment,
      ready: async () => (await fetch(`${this.url}/ready`)).ok,
    });
  }

  /** Stops it: in order, or at once. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.server?.stop(signal);
  }

  /** A request, optionally for a tenant; several are joined with `|`. */
  async ask(tenant: string | undefined, path: string, init: RequestInit = {}): Promise<Answer> {
    const headers = { ...init.headers, ...(tenant && { "X-Scope-OrgID": tenant }) };
    const response = await fetch(`${this.url}${path}`, { ...init, headers });
    return { status: response.status, body: await response.text() };
  }

  /** Writes series. */
  push(tenant: string | undefined, ...series: Series[]): Promise<Answer> {
    const body = new Uint8Array(writeRequest(series));
    return this.ask(tenant, "/api/v1/push", { method: "POST", headers: writeHeaders, body });
  }

  /** The result of an instant query. */
  async query(tenant: string, query: string): Promise<Sample[]> {
    const result = await this.data(tenant, `query?${new URLSearchParams({ query })}`);
    return (result as { result: { metric: Labels; value: [number, string] }[] }).result.map(
      ({ metric, value }) => ({ labels: metric, value: Number(value[1]) }),
    );
  }

  /** The data of a response of Prometheus' API. */
  async data(tenant: string, path: string): Promise<unknown> {
    const { status, body } = await this.ask(tenant, `/prometheus/api/v1/${path}`);
    if (status !== 200) throw new Error(`${path}: ${status} ${body}`);
    return JSON.parse(body).data;
  }
}
