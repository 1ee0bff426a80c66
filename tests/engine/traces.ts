/** Steps of the engine test about traces, on a running stack: an application in its own project. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { ask, bodyOf } from "../../cli/lib/service";
import { root } from "../../cli/lib/stack-config";
import { gatewayUser, tenants } from "../../names";
import { eventually, instant, query, scaleNamespace } from "../support/cluster";
import { namespaces, services } from "../support/names";
import { TestStack } from "../support/pulumi";

/** Input of the steps, after the stack is created. */
export interface Running {
  config: KubeConfig;
  kubeconfig: string;
  stack: TestStack;
}

/** The fields of a trace from Tempo that the steps read. */
interface Trace {
  batches: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: { name: string; parentSpanId?: string; attributes?: Attribute[] }[] }[];
  }[];
}
interface Attribute {
  key: string;
  value: { stringValue?: string };
}

const api = { namespace: "random-backend", name: "api", port: 80 };
const id = (size: number) => randomBytes(size).toString("hex");
const asObject = (attributes: Attribute[] = []) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));

/** @returns a function that deletes the application */
export function tracesSteps(running: () => Running): { cleanUp: () => void } {
  let application: TestStack | undefined;

  /** A request to the application with a known trace ID. */
  const request = async (path = "/random"): Promise<string> => {
    const traceId = id(16);
    const headers = { traceparent: `00-${traceId}-${id(8)}-01`, baggage: "order=42" };
    await ask(running().config, api, { path, headers });
    return traceId;
  };

  const trace = async (traceId: string): Promise<Trace | undefined> => {
    const path = `/api/traces/${traceId}`;
    const { status, body } = await ask(running().config, services.tempo, {
      path,
      as: gatewayUser(tenants.traces, "read"),
      headers: { Accept: "application/json" },
    });
    return status === 200 ? JSON.parse(body) : undefined;
  };

  it("creates an application in its own project, which reads this stack", async () => {
    const { kubeconfig, stack, config } = running();
    application = new TestStack(
      stack.name,
      kubeconfig,
      { replicas: 1 },
      { folder: join(root, "examples", "random-backend"), project: "random-backend", beside: stack },
    );
    const made = application.init();
    expect(made.code, made.output).to.equal(0);
    const { code, output, seconds } = application.run(["up", "--yes", "--skip-preview"]);
    expect(code, output).to.equal(0);
    expect(output).to.match(/samplingRatio\s*: 1/);
    console.log(`      up of the application: ${seconds.toFixed(0)} s`);
    const { status } = await eventually(
      120,
      () => ask(config, api, { path: "/random" }),
      (answer) => answer.status === 200,
    );
    expect(status).to.equal(200);
  });

  it("has one request as one trace over both services and the database, with their metadata", async () => {
    const traceId = await request();
    const whole = (found: Trace | undefined) =>
      new Set(found?.batches.map(({ resource }) => asObject(resource.attributes)["service.name"])).size === 2;
    const found = await eventually(90, () => trace(traceId), whole);
    const resources = (found?.batches ?? []).map(({ resource }) => asObject(resource.attributes));
    expect(new Set(resources.map((attributes) => attributes["service.name"]))).to.deep.equal(
      new Set(["api", "numbers"]),
    );
    for (const attributes of resources) {
      expect(attributes).to.include({
        "service.namespace": "random-backend",
        "deployment.environment": "dev",
        "k8s.namespace.name": "random-backend",
        "k8s.cluster.name": "engine-test",
      });
      expect(attributes).to.include.keys("k8s.pod.name", "k8s.deployment.name", "k8s.node.name");
    }
    const spans = (found?.batches ?? []).flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap((scope) => scope.spans),
    );
    expect(spans.some(({ attributes }) => /postgres/.test(asObject(attributes)["db.system"] ?? ""))).to.equal(
      true,
    );
    // The caller's span does not exist here: the trace continues from the incoming header.
    expect(spans.filter(({ parentSpanId }) => !parentSpanId)).to.deep.equal([]);
    const lines = () => query(running().config, `{namespace="random-backend"} |= "${traceId}"`);
    const both = (entries: { labels: Record<string, string> }[]) =>
      new Set(entries.map(({ labels }) => labels["pod_name"]?.split("-")[0])).size === 2;
    const logged = await eventually(60, lines, both);
    expect(logged, "log lines with the trace's id").to.satisfy(both);
    expect(
      logged.some(({ line }) => line.includes("order=42")),
      "baggage in the second service's log",
    ).to.equal(true);
  });

  it("has its calls and its service graph in Mimir", async () => {
    const { config } = running();
    const metrics = [
      'traces_spanmetrics_calls_total{service="api", span_kind="SPAN_KIND_SERVER"}',
      'traces_service_graph_request_total{client="api", server="numbers"}',
    ];
    for (const metric of metrics) {
      const samples = await eventually(
        120,
        () => instant(config, tenants.pods, metric),
        (some) => some.length > 0,
      );
      expect(samples, metric).not.to.deep.equal([]);
      expect(samples[0]?.metric).to.include({ cluster: "engine-test" });
    }
  });

  it("delivers spans from an outage of Tempo of a minute", async () => {
    const { config } = running();
    await scaleNamespace(config, namespaces.tempo, 0);
    const sent: string[] = [];
    const until = Date.now() + 60_000;
    while (Date.now() < until) {
      sent.push(await request());
      await wait(500);
    }
    await scaleNamespace(config, namespaces.tempo, 1);
    const missing = async () => {
      const there = await Promise.all(sent.map(trace));
      return sent.filter((_, index) => !there[index]);
    };
    expect(await eventually(180, missing, (none) => none.length === 0)).to.deep.equal([]);
    const alloy = { ...services.otlpHttp, port: 12345 };
    const own = await bodyOf(config, alloy, { path: "/metrics" });
    const failed = [...own.matchAll(/^otelcol_exporter_(?:enqueue|send)_failed_spans_total\{.*\} (\d+)$/gm)];
    console.log(
      `      ${sent.length} traces delivered; ${failed.map(([, count]) => count).join("+") || 0} spans dropped`,
    );
  });

  return {
    cleanUp: () => {
      application?.run(["destroy", "--yes", "--skip-preview"]);
    },
  };
}
