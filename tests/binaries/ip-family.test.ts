/** The real programs with the configuration of an IPv6 stack listen on IPv6. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { type Store, s3Env } from "../../names";
import { merge, type Tree } from "../../settings/tree";
import { Backends, Gateway, needsNginx } from "../support/gateway";
import { containersOf, find, type RenderedStack, renderStack, workloads } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";
import { startReplicas } from "../support/traces";

const network = { ipFamily: "IPv6" };

/** Whether a port of the IPv6 loopback address accepts connections. */
const accepts = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect({ host: "::1", port });
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });

/** The charts' ConfigMaps with the configuration of each store. */
const configMaps = {
  loki: ["loki", "config.yaml"],
  mimir: ["mimir-config", "mimir.yaml"],
  tempo: ["tempo-config", "tempo.yaml"],
} as const;

/**
 * Settings that a single distributor runs without: other members, files of other ConfigMaps, and addresses of a
 * cluster.
 */
const alone: Record<Store, Tree> = {
  loki: { runtime_config: { file: "" }, distributor: { ring: { instance_addr: "::1" } } },
  mimir: {
    runtime_config: { file: "" },
    activity_tracker: { filepath: "" },
    distributor: { ring: { instance_addr: "::1" } },
  },
  tempo: { overrides: { per_tenant_override_config: "" } },
};

describe("binaries: IPv6", function () {
  this.timeout(300_000);
  let folder: string;
  let stack: RenderedStack;
  const servers: { stop(): Promise<void> }[] = [];

  before(async function () {
    const loopback = Object.values(networkInterfaces()).flat();
    if (!loopback.some((one) => one?.address === "::1")) this.skip();
    await needsCharts(this);
    folder = mkdtempSync(join(tmpdir(), "observability-ipv6-"));
    stack = await renderStack({ environment: "prod", network });
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  for (const store of ["loki", "mimir", "tempo"] as const)
    it(`${store} serves HTTP, gRPC and gossip`, async function () {
      const [program = ""] = needs(this, store);
      const [name, key] = configMaps[store];
      const file = join(folder, `${store}.yaml`);
      const [http, grpc, gossip] = [await freePort(), await freePort(), await freePort()];
      const own = {
        server: { http_listen_port: http, grpc_listen_port: grpc },
        memberlist: {
          bind_port: gossip,
          advertise_addr: "::1",
          join_members: [],
          abort_if_cluster_join_fails: false,
        },
      };
      const rendered = parse(find(stack, "ConfigMap", name)["data"][key]);
      writeFileSync(file, stringify(merge(merge(rendered, own), alone[store])));
      servers.push(
        await Server.start(
          program,
          [`-config.file=${file}`, "-config.expand-env=true", "-target=distributor"],
          {
            folder,
            environment: { [s3Env.accessKey]: "an-access-key", [s3Env.secretKey]: "a-secret-key" },
            ready: async () => (await fetch(`http://[::1]:${http}/metrics`)).ok,
          },
        ),
      );
      expect(await accepts(grpc), "gRPC").to.equal(true);
      expect(await accepts(gossip), "gossip").to.equal(true);
      const memberlist = await (await fetch(`http://[::1]:${http}/memberlist`)).text();
      if (store !== "tempo") expect(memberlist).to.match(/::1/);
    });

  it("nginx serves both families", async function () {
    needsNginx(this);
    const settings = settingsOf("prod", { network });
    const backends = await Backends.start("loki", settings);
    const gateway = await Gateway.start(join(folder, "gateway"), {
      store: "loki",
      settings,
      at: backends.at,
    });
    servers.push(gateway, { stop: async () => backends.stop() });
    expect((await fetch(`http://[::1]:${gateway.port}/ready`)).status).to.equal(200);
    expect((await fetch(`http://127.0.0.1:${gateway.port}/ready`)).status).to.equal(200);
  });

  it("Alloy receives spans", async function () {
    const [program = ""] = needs(this, "alloy");
    const settings = settingsOf("prod", { network, alloyTraces: { replicas: 1 } });
    const address = "http://127.0.0.1:9";
    const password = join(folder, "password");
    writeFileSync(password, "unused");
    const [replica] = await startReplicas(program, join(folder, "alloy"), settings, {
      TEMPO_URL: address,
      TEMPO_PASSWORD_FILE: password,
      LOKI_URL: address,
      MIMIR_URL: address,
    });
    if (!replica) throw new Error("there is no replica");
    servers.push(replica.server);
    for (const url of [replica.http, replica.grpc])
      expect(await accepts(Number(new URL(url).port)), url).to.equal(true);
  });

  it("MinIO serves at the address from the chart", async function () {
    const [program = ""] = needs(this, "minio");
    const minio = workloads(stack).find(
      ({ release, object }) => release === "minio" && object.kind === "StatefulSet",
    );
    const [container] = minio ? containersOf(minio) : [];
    const command = [...(container?.command ?? []), ...(container?.args ?? [])].join(" ");
    expect(command).to.match(/ --address :9000\b/);
    const [port, console] = [await freePort(), await freePort()];
    servers.push(
      await Server.start(
        program,
        ["server", "--address", `:${port}`, "--console-address", `:${console}`, join(folder, "minio")],
        {
          environment: { MINIO_ROOT_USER: "root-user", MINIO_ROOT_PASSWORD: "root-password" },
          ready: async () => (await fetch(`http://[::1]:${port}/minio/health/live`)).ok,
        },
      ),
    );
  });

  it("Services have the IP family of the cluster, or its default", () => {
    const families = stack.objects.flatMap(({ object }) =>
      object.kind === "Service" ? (object["spec"].ipFamilies ?? []) : [],
    );
    expect(new Set(families)).to.deep.equal(new Set(["IPv6"]));
  });
});
