/** Kubernetes events of a real API server, through two replicas of Alloy into a real Loki: each once. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { tenants } from "../../names";
import { alloyMetricsEnvironment } from "../../values/alloy-metrics";
import { ApiServer } from "../support/api-server";
import { Gateway, needsNginx } from "../support/gateway";
import { Loki } from "../support/loki";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

describe("cases: Kubernetes events", function () {
  this.timeout(180_000);
  const settings = settingsOf("dev", { cluster: { name: "test" } });
  let folder: string;
  const stops: (() => Promise<unknown>)[] = [];
  let loki: Loki;

  const event = (namespace: string, name: string, type: "Normal" | "Warning") => ({
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace },
    involvedObject: { apiVersion: "v1", kind: "Pod", namespace, name: "api-0" },
    type,
    reason: type === "Warning" ? "FailedScheduling" : "Scheduled",
    message: `message of ${name}`,
    firstTimestamp: new Date().toISOString(),
    lastTimestamp: new Date().toISOString(),
    count: 1,
    source: { component: "default-scheduler" },
  });

  before(async function () {
    needsNginx(this);
    const [alloy = "", etcd = "", kubeApiserver = "", program = ""] = needs(
      this,
      "alloy",
      "etcd",
      "kube-apiserver",
      "loki",
    );
    folder = mkdtempSync(join(tmpdir(), "observability-events-"));
    const api = await ApiServer.start(etcd, kubeApiserver);
    stops.push(() => api.stop());
    loki = await Loki.start(program, join(folder, "loki"));
    stops.push(() => loki.stop());
    const { host } = new URL(loki.url);
    const gateway = await Gateway.start(join(folder, "gateway"), { store: "loki", settings, at: () => host });
    stops.push(() => gateway.stop());
    const environment = alloyMetricsEnvironment(settings);
    const pipeline = join(folder, "events.alloy");
    writeFileSync(
      pipeline,
      readFileSync("values/alloy/metrics/events/events.alloy", "utf8").replace(
        'kubernetes_events "cluster" {',
        '$&\nclient {\nkubeconfig_file = sys.env("KUBECONFIG")\n}',
      ),
    );
    const ports = [await freePort(), await freePort()];
    for (const port of ports) {
      const address = `http://127.0.0.1:${port}`;
      const collector = await Server.start(
        alloy,
        [
          "run",
          pipeline,
          "--disable-reporting",
          `--storage.path=${join(folder, `alloy-${port}`)}`,
          `--server.http.listen-addr=127.0.0.1:${port}`,
          "--cluster.enabled",
          `--cluster.node-name=alloy-${port}`,
          "--cluster.advertise-address=127.0.0.1",
          `--cluster.join-addresses=${ports.map((each) => `127.0.0.1:${each}`).join(",")}`,
        ],
        {
          environment: {
            ...environment,
            LOKI_URL: gateway.url,
            LOKI_PASSWORD_FILE: gateway.passwordFile(environment["LOKI_USER"] ?? ""),
            KUBECONFIG: api.kubeconfig(),
          },
          ready: async () => (await fetch(`${address}/-/ready`)).ok,
        },
      );
      stops.push(() => collector.stop());
    }
    // Until the replicas know each other.
    await wait(5000);
    for (const namespace of ["shop", "bank"]) {
      await api.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
      for (const type of ["Normal", "Warning"] as const) {
        const { status, message } = await api.create(
          event(namespace, `${namespace}-${type}`.toLowerCase(), type),
        );
        expect(status, message).to.equal(201);
      }
    }
  });

  after(async () => {
    for (const stop of stops.reverse()) await stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("come once, with the namespace of the object and a level", async () => {
    const query = async () => {
      const parameters = new URLSearchParams({
        query: '{job="kubernetes-events", namespace=~"shop|bank"}',
        start: `${Date.now() - 3_600_000}000000`,
      });
      const headers = { "X-Scope-OrgID": tenants.logs };
      const response = await fetch(`${loki.url}/loki/api/v1/query_range?${parameters}`, { headers });
      const { data } = (await response.json()) as {
        data: { result: { stream: Record<string, string>; values: [string, string][] }[] };
      };
      return data.result.flatMap(({ stream, values }) =>
        values.map(([, line]) => ({ labels: stream, name: /message of ([\w-]+)/.exec(line)?.[1] })),
      );
    };
    let found = await query();
    for (
      const deadline = Date.now() + 60_000;
      found.length < 4 && Date.now() < deadline;
      found = await query()
    )
      await wait(500);
    // Nothing comes twice, a little later.
    await wait(5000);
    found = await query();
    expect(found.map(({ name }) => name)).to.have.members([
      "shop-normal",
      "shop-warning",
      "bank-normal",
      "bank-warning",
    ]);
    expect(found.find(({ name }) => name === "shop-warning")?.labels).to.deep.equal({
      cluster: "test",
      namespace: "shop",
      job: "kubernetes-events",
      level: "warn",
    });
  });
});
