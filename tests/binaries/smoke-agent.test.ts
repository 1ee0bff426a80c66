/**
 * The smoke test of an agent and of its hub: real Loki, Mimir and Tempo behind the hub's gateways, and a real Alloy for
 * traces. Kubernetes, the application, and Alloys for logs and metrics are simulated.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { check as agentsCheck } from "../../cli/commands/doctor/checks/agents";
import { check as alertsCheck } from "../../cli/commands/doctor/checks/alerts";
import { checks } from "../../cli/commands/smoke";
import { agents } from "../../cli/commands/smoke/agents";
import type { Context } from "../../cli/commands/smoke/check";
import { type Result, runChecks } from "../../cli/commands/smoke/run";
import { verifyHub } from "../../cli/commands/smoke/stores";
import { throughGateways } from "../../cli/commands/smoke/view";
import { until } from "../../cli/lib/poll";
import { type Store, smokeTest, stores } from "../../names";
import { alertmanagerConfig } from "../../values/alertmanager";
import { alertRules } from "../../values/alerts";
import { credentialKeys } from "../../values/gateway";
import { lokiConfiguration } from "../../values/loki-configuration";
import { FakeCluster } from "../support/fake-cluster";
import { Gateway, needsNginx, passwordsOf } from "../support/gateway";
import { Loki } from "../support/loki";
import { Mimir } from "../support/mimir";
import { writeHeaders, writeRequest } from "../support/remote-write";
import { freePort } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";
import { otlp, type Replica, startReplicas, Tempo } from "../support/traces";

const hub = settingsOf("dev", {
  cluster: { name: "central" },
  agents: { "eu-1": {}, "us-1": {} },
  access: { ingress: { domain: "hub.stack.test" } },
});
const agent = settingsOf("dev", {
  cluster: { name: "eu-1" },
  hub: { stack: "organization/observability/central" },
});
const { namespace } = smokeTest;
const json = { "content-type": "application/json" };

/** A server on loopback for one function. @returns its port */
async function serve(
  closing: (() => void)[],
  answer: (path: string, body: string) => string,
): Promise<number> {
  const server = createServer(async (asked, response) => {
    let body = "";
    for await (const part of asked) body += part;
    response.end(answer(asked.url ?? "", body));
  });
  const port = await freePort();
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  closing.push(() => server.close());
  return port;
}

describe("binaries: smoke test of an agent", function () {
  this.timeout(600_000);
  const closing: (() => void)[] = [];
  const stopping: (() => Promise<void>)[] = [];
  const gateways = {} as Record<Store, Gateway>;
  let folder: string;
  let mimir: Mimir;
  let replica: Replica;
  let central: FakeCluster;
  let edge: FakeCluster;
  /** Paths of requests to the hub through the proxy of the agent's cluster. */
  const proxied = new Set<string>();
  /** What the application has logged, and what the receiver of alerts has received. */
  let said = "";
  let received = "";

  const write = async (
    store: Store,
    path: string,
    body: string | Buffer,
    headers: Record<string, string> = json,
  ) => {
    const answer = await gateways[store].ask("eu-1-write", { method: "POST", path, headers, body });
    if (answer.status > 299) throw new Error(`${store}: ${answer.status} ${answer.body}`);
  };

  /** Loads rules as Alloy does: at the hub, with the cluster as a label. */
  const load = (name: string, groups: { name: string; rules: { labels?: object }[] }[]) =>
    Promise.all(
      groups.map((group) => {
        const rules = group.rules.map((rule) => ({ ...rule, labels: { ...rule.labels, cluster: "eu-1" } }));
        return write("mimir", `/prometheus/config/v1/rules/${name}`, JSON.stringify({ ...group, rules }), {
          "content-type": "application/yaml",
        });
      }),
    );

  /** One second of the application's life, and of the collectors for its logs and metrics. @param cluster that they name */
  async function live(run: string, n: number, cluster: string): Promise<void> {
    let line = `level=info run=${run} n=${n}`;
    if (n % 5 === 0) {
      const trace = randomBytes(16).toString("hex");
      const id = () => randomBytes(8).toString("hex");
      const attributes = { run, "k8s.namespace.name": namespace, "k8s.pod.name": smokeTest.app };
      const client = { trace, id: id(), service: "obs-smoke-client", kind: "client" as const };
      const server = {
        ...client,
        id: id(),
        parent: client.id,
        service: "obs-smoke-server",
        kind: "server" as const,
      };
      const spans = [client, server].map((span) => ({ ...span, name: "smoke", seconds: 0.1, attributes }));
      const { ok } = await fetch(`${replica.http}/v1/traces`, {
        method: "POST",
        headers: json,
        body: JSON.stringify(otlp(spans)),
      });
      line += ` trace_id=${trace} spans="${ok ? "taken" : "refused"}"`;
    }
    said += `${line}\n`;
    const stream = { namespace, pod_name: smokeTest.app, cluster };
    await write(
      "loki",
      "/loki/api/v1/push",
      JSON.stringify({ streams: [{ stream, values: [[`${Date.now()}000000`, line]] }] }),
    );
    const series = {
      obs_smoke_lines_total: { namespace, run },
      up: {},
      kube_pod_info: {},
      node_cpu_seconds_total: {},
      kubelet_running_pods: {},
      container_cpu_usage_seconds_total: {},
    };
    const body = writeRequest(
      Object.entries(series).map(([__name__, labels]) => ({
        labels: { __name__, ...labels, cluster },
        samples: [{ value: n }],
      })),
    );
    await write("mimir", "/api/v1/push", body, writeHeaders);
  }

  before(async function () {
    const [loki = "", mimirProgram = "", tempo = "", alloy = ""] = needs(
      this,
      "loki",
      "mimir",
      "tempo",
      "alloy",
    );
    needsNginx(this);
    folder = mkdtempSync(join(tmpdir(), "observability-smoke-agent-"));

    const { querier, runtimeConfig, limits_config } = lokiConfiguration(hub);
    const file = join(folder, "loki-overrides.yaml");
    writeFileSync(file, stringify(runtimeConfig));
    const { allow_structured_metadata } = limits_config as Record<string, unknown>;
    const limits = { discover_service_name: [], allow_structured_metadata };
    const lokiServer = await Loki.start(loki, join(folder, "loki"), limits, undefined, {
      querier,
      runtime_config: { file },
    });

    // The receiver of the smoke test is on loopback.
    const receiver = await serve(closing, (_, body) => {
      received += `${body}\n`;
      return "";
    });
    const fallback = join(folder, "fallback.yaml");
    const routed = stringify(alertmanagerConfig(hub)).replace(
      /http:\/\/receiver\.[^/]*/,
      `http://127.0.0.1:${receiver}`,
    );
    writeFileSync(fallback, routed);
    mimir = await Mimir.start(mimirProgram, join(folder, "mimir"), hub, [
      `-alertmanager.configs.fallback=${fallback}`,
    ]);
    const tempoServer = await Tempo.start(tempo, join(folder, "tempo"), hub);
    stopping.push(
      () => lokiServer.stop(),
      () => mimir.stop(),
      () => tempoServer.stop("SIGKILL"),
    );
    const at: Record<Store, (target: string) => string> = {
      loki: () => new URL(lokiServer.url).host,
      mimir: () => new URL(mimir.url).host,
      tempo: tempoServer.at,
    };
    const secrets: Record<string, Record<string, string>> = {};
    for (const store of stores) {
      const gateway = await Gateway.start(join(folder, `${store}-gateway`), {
        store,
        settings: hub,
        at: at[store],
      });
      gateways[store] = gateway;
      stopping.push(() => gateway.stop());
      secrets[`${store}/gateway-credentials`] = Object.fromEntries(
        Object.entries(passwordsOf(store, hub)).map(([user, [password = ""]]) => [
          credentialKeys(store, user).password,
          password,
        ]),
      );
    }
    const proxy = createServer((asked, response) => {
      const { url = "", method, headers } = asked;
      proxied.add(new URL(url).pathname);
      const onward = request(url, { method: method ?? "", headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      asked.pipe(onward.on("error", () => response.destroy()));
    });
    const proxyPort = await freePort();
    await new Promise<void>((done) => proxy.listen(proxyPort, "127.0.0.1", done));
    closing.push(() => proxy.close());
    const { loki: logs, tempo: traces, mimir: metrics } = gateways;
    [replica] = (await startReplicas(alloy, join(folder, "alloy"), agent, {
      TEMPO_URL: traces.url,
      TEMPO_PASSWORD_FILE: traces.passwordFile("eu-1-write"),
      MIMIR_URL: metrics.url,
      MIMIR_PASSWORD_FILE: metrics.passwordFile("eu-1-write"),
      LOKI_URL: logs.url,
      LOKI_PASSWORD_FILE: logs.passwordFile("eu-1-write"),
      GATEWAY_PROXY: `http://127.0.0.1:${proxyPort}`,
      GATEWAY_CERTIFICATE: "",
      GATEWAY_KEY: "",
    })) as [Replica];
    stopping.push(() => replica.server.stop());

    const seen = { metric: { agent: "eu-1" }, value: [0, "1"] };
    const listed = { metric: { agent: "us-1" }, value: [0, "1"] };
    const prometheus = await serve(closing, (path) =>
      JSON.stringify({
        data: path.includes("/rules")
          ? { groups: [] }
          : { result: path.includes("unless") ? [listed] : [seen] },
      }),
    );
    const grafana = await serve(closing, () => JSON.stringify({ database: "ok", version: "test" }));
    const gatewayPorts = Object.fromEntries(stores.map((store) => [`${store}:8080`, gateways[store].port]));
    central = await FakeCluster.start({
      ports: {
        ...gatewayPorts,
        "mimir/ruler:8080": Number(new URL(mimir.url).port),
        "monitoring:9090": prometheus,
        "grafana:3000": grafana,
      },
      secrets,
      logs: { [`${namespace}/${smokeTest.receiver}`]: () => received },
    });

    let timer: NodeJS.Timeout | undefined;
    let run = "";
    const page = await serve(closing, () => `obs_smoke_lines_total{run="${run}"} 1\n`);
    edge = await FakeCluster.start({
      ports: {
        ...Object.fromEntries(
          Object.entries(replica.ports).map(([port, local]) => [`alloy-traces:${port}`, local]),
        ),
        [`${namespace}:${smokeTest.receiverPort}`]: page,
      },
      logs: { [`${namespace}/${smokeTest.app}`]: () => said },
      created: async ({ kind, metadata, spec }) => {
        if (kind === "PrometheusRule") await load(metadata.name, spec.groups);
        else if (metadata.name === smokeTest.app) {
          run = spec.containers[0].env.find(({ name }: { name: string }) => name === "RUN").value;
          let n = 0;
          // Whatever fails is missing, which the tests report.
          timer = setInterval(() => live(run, ++n, "eu-1").catch(() => undefined), 1000);
        }
      },
    });
    closing.push(
      () => clearInterval(timer),
      () => edge.stop(),
      () => central.stop(),
    );
    const groups = alertRules(agent, { expires: "2100-01-01T00:00:00Z", generation: 1 }).find(
      ({ metadata }) => metadata.name.endsWith("client-certificate"),
    );
    await load("client-certificate", groups?.spec.groups ?? []);
  });

  after(async () => {
    for (const close of closing) close();
    for (const stop of stopping.reverse()) await stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const context = (own: {
    config: Context["config"];
    settings: Context["settings"];
  }): Omit<Context, "until"> => ({
    ...own,
    stores: { config: central.config, settings: hub },
    run: createHash("sha256").update(folder).digest("hex").slice(0, 8),
    begun: Date.now(),
    disruptive: true,
    view: throughGateways({ config: central.config, settings: hub }),
    stop: new AbortController().signal,
  });
  const silent = { waiting: () => undefined, ended: () => undefined };

  it("finds signals of the agent's cluster at its hub, and an alert that the hub evaluates", async () => {
    const place = { config: edge.config, settings: agent };
    await verifyHub(agent, "central", { config: central.config, settings: hub });
    const results = await runChecks(checks, context(place), silent);
    const states = Object.fromEntries(
      results.map(({ number, state, reason }) => [number, reason ? `${state}: ${reason}` : state]),
    );
    const ofHub = "skipped: the hub has it: run ./obs smoke for organization/observability/central";
    expect(states).to.deep.equal({
      ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8].map((number) => [number, "passed"])),
      9: ofHub,
      10: ofHub,
      11: "skipped: it connects to Loki, which this cluster does not have",
      12: "skipped: the stack has no agents",
    });
    const evidence = (number: number) =>
      JSON.stringify(results.find((one): one is Result => one.number === number)?.evidence);
    expect(evidence(3)).to.include('cluster=\\"eu-1\\"').and.include("all.clusters-read");
    expect(evidence(4)).to.include("series scraped into eu-1");
    expect(evidence(5)).to.include("of cluster eu-1");
    expect([...proxied]).to.include.members(["/v1/traces", "/api/v1/push"]);
    expect(received).to.include('"cluster":"eu-1"');
    // No object of the agent's run is in the cluster of the hub, except for the receiver.
    expect(central.created.map(({ metadata }) => metadata.name)).to.deep.equal(["receiver", "receiver"]);
  });

  it("shows at the hub what each agent sends, and which one was never installed", async () => {
    const place = { config: central.config, settings: hub };
    const show = () => agents.show({ ...context(place), until });
    await until(90, "an evaluated rule", async () => (await show()).length);
    const [first, second] = await show();
    expect(first?.asked).to.equal("tenant eu-1, as eu-1-read");
    expect(first?.answer).to.match(
      /^1 targets and \d+ lines in 5 minutes, rules are evaluated, \d+ (or more )?traces/,
    );
    expect(second).to.deep.equal({
      asked: "agent us-1",
      answer: "has never sent a sample; its ./obs up has not run",
    });
  });

  it("reports alerts of an agent's cluster in the doctor of the hub", async () => {
    const labels = { severity: "critical", team: "observability", namespace: "alloy-logs" };
    await load("own", [
      { name: "own", interval: "5s", rules: [{ alert: "LogsDropped", expr: "vector(1)", labels }] },
    ] as never);
    const doctor = {
      stack: "central",
      settings: hub,
      config: central.config,
      probe: false,
      cluster: {} as never,
    };
    const found = await until(60, "the alert", async () => {
      const findings = await alertsCheck.look(doctor);
      return findings.filter(({ what }) => what.startsWith("alert LogsDropped fires"));
    });
    expect(found.map(({ what, severity }) => [severity, what])).to.deep.equal([
      ["critical", "alert LogsDropped fires in eu-1: "],
    ]);
    const others = await agentsCheck.look(doctor);
    expect(others.map(({ what }) => what)).to.deep.equal(["agent us-1 has never sent a sample"]);
  });

  it("stops before anything is created if the hub's kubeconfig leads elsewhere, or the hub does not list the agent", async () => {
    const reason = (promise: Promise<void>) =>
      promise.then(
        () => "accepted",
        ({ message }: Error) => message,
      );
    expect(await reason(verifyHub(agent, "central", { config: edge.config, settings: hub }))).to.match(
      /^the cluster of stack central has no user eu-1-read at the gateway of loki: .*Set cluster\.context in Pulumi\.central\.yaml/,
    );
    const other = settingsOf("dev", { cluster: { name: "ap-1" }, hub: agent.hub });
    expect(await reason(verifyHub(other, "central", { config: central.config, settings: hub }))).to.equal(
      'cluster.name: invalid value "ap-1" (must be an agent in Pulumi.central.yaml, which has eu-1, us-1)',
    );
  });
});
