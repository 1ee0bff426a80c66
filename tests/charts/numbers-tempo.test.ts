/** The required numbers, read from the rendered objects: rows R4 (Tempo), R7 (Alloy traces), R9 (instrumentation). */
import { expect } from "chai";
import { servedUrls, tracesReplicas } from "../../names";
import { instrumentation, services, urls } from "../support/names";
import {
  container,
  fileIn,
  namesOf,
  ofKind,
  only,
  replicasOf,
  variablesOf,
  workload,
} from "../support/objects";
import {
  type Container,
  containersOf,
  find,
  type KubernetesObject,
  type RenderedStack,
  renderStack,
  workloads,
} from "../support/rendered";
import { settingsOf } from "../support/stacks";
import { needsCharts } from "../support/tools";

const asked = {
  replicas: {
    "tempo-distributor": 2,
    "tempo-ingester": 3,
    "tempo-querier": 2,
    "tempo-query-frontend": 1,
    "tempo-compactor": 1,
    "tempo-metrics-generator": 1,
  }, // R4.1
  /** Ports on the distributor's Service, and their protocols. */
  ports: {
    "4317/TCP": "OTLP by gRPC",
    "4318/TCP": "OTLP by HTTP",
    "14250/TCP": "Jaeger by gRPC",
    "14268/TCP": "Jaeger's Thrift by HTTP",
    "6831/UDP": "Jaeger's compact Thrift",
    "6832/UDP": "Jaeger's binary Thrift",
    "9411/TCP": "Zipkin",
  }, // R4.3
} as const;

interface Port {
  name: string;
  port: number;
  targetPort: number | string;
  protocol?: string;
}
interface ContainerPort {
  name: string;
  containerPort: number;
  protocol?: string;
}

const tempoConfig = (stack: RenderedStack) => fileIn(stack, "tempo-config", "tempo.yaml");

/** Address of every receiver in a tree of protocols. */
const endpoints = (node: unknown): string[] =>
  typeof node === "object" && node !== null
    ? Object.entries(node).flatMap(([key, child]) =>
        key === "endpoint" ? [String(child)] : endpoints(child),
      )
    : [];

/** The container port behind a Service's port, by name or number. */
function reached(stack: RenderedStack, service: string, port: Port): ContainerPort[] {
  const { metadata, spec } = find(stack, "Service", service);
  const chosen = workloads(stack).filter(
    ({ object, namespace }) =>
      (object.metadata.namespace ?? namespace) === metadata.namespace &&
      Object.entries(spec.selector).every(
        ([label, value]) => object["spec"].template.metadata.labels[label] === value,
      ),
  );
  const { ports } = only(containersOf(only(chosen))) as Container & { ports: ContainerPort[] };
  return ports.filter(({ name, containerPort }) => [name, containerPort].includes(port.targetPort));
}

describe("charts: the required numbers of traces", function () {
  this.timeout(120_000);
  let dev: RenderedStack;
  let prod: RenderedStack;
  let both: RenderedStack[];

  before(async function () {
    await needsCharts(this);
    dev = await renderStack({ environment: "dev" });
    prod = await renderStack({ environment: "prod" });
    both = [dev, prod];
  });

  const variables = (stack: RenderedStack) =>
    variablesOf(container(find(stack, "StatefulSet", "alloy-traces"), "alloy"));

  describe("R4, Tempo", () => {
    const replicas = (stack: RenderedStack) =>
      Object.fromEntries(
        workloads(stack)
          .filter(({ object }) => object.metadata.name in asked.replicas)
          .map((one) => [one.object.metadata.name, replicasOf(one, stack)]),
      );

    it("R4.1: replicas 2, 3, 2, 1, 1, 1 in prod; one of each in dev", () => {
      expect(replicas(prod)).to.deep.equal(asked.replicas);
      expect(Object.values(replicas(dev))).to.deep.equal(Array(6).fill(1));
      const others = (stack: RenderedStack) =>
        workloads(stack)
          .filter(({ release, object }) => release === "tempo" && !(object.metadata.name in asked.replicas))
          .map(({ object }) => object.metadata.name);
      expect([others(dev), others(prod)]).to.deep.equal([
        ["tempo-gateway"],
        ["tempo-gateway", "tempo-memcached"],
      ]);
    });

    it("R4.1: three copies in prod, one in dev, on volumes that outlive the pods", () => {
      const copies = (stack: RenderedStack) => tempoConfig(stack).ingester.lifecycler.ring.replication_factor;
      expect(both.map(copies)).to.deep.equal([1, 3]);
      const disk = (stack: RenderedStack) => {
        const { spec } = find(stack, "StatefulSet", "tempo-ingester");
        const claim = only<KubernetesObject>(spec.volumeClaimTemplates);
        const { volumeMounts = [] } = only<Container>(spec.template.spec.containers);
        const { mountPath } = only(volumeMounts.filter(({ name }) => name === claim.metadata.name));
        expect(tempoConfig(stack).storage.trace.wal.path.startsWith(mountPath)).to.equal(true);
        return claim["spec"].resources.requests.storage;
      };
      expect(both.map(disk)).to.deep.equal(["5Gi", "20Gi"]);
    });

    it("R4.2: everything is stored in MinIO's bucket tempo-data, with credentials from the Secret", () => {
      for (const stack of both) {
        const { backend, s3 } = tempoConfig(stack).storage.trace;
        expect(backend).to.equal("s3");
        expect(s3).to.deep.equal({
          bucket: "tempo-data",
          endpoint: "minio.minio.svc:9000",
          region: "us-east-1",
          insecure: true,
          forcepathstyle: true,
          access_key: "${S3_ACCESS_KEY}",
          secret_key: "${S3_SECRET_KEY}",
        });
        for (const name of Object.keys(asked.replicas)) {
          const { args = [], envFrom = [] } = only<Container>(
            workload(stack, name).object["spec"].template.spec.containers,
          );
          expect(envFrom, name).to.deep.equal([{ secretRef: { name: "tempo-s3" } }]);
          expect(args, name).to.include("-config.expand-env=true");
        }
        expect(find(stack, "Secret", "tempo-s3")["stringData"]).to.have.all.keys(
          "S3_ACCESS_KEY",
          "S3_SECRET_KEY",
        );
      }
      const [cache] = containersOf(workload(prod, "tempo-memcached"));
      expect(JSON.stringify(cache)).not.to.include("tempo-s3");
    });

    it("R4.3: OTLP over gRPC and HTTP, Jaeger and Zipkin, from the Service to the receiver", () => {
      for (const stack of both) {
        const { spec } = find(stack, "Service", "tempo-distributor");
        const { receivers } = tempoConfig(stack).distributor;
        const listening = endpoints(receivers).map((endpoint) => Number(endpoint.replace("0.0.0.0:", "")));
        expect(spec.type).to.equal("ClusterIP");
        for (const [wanted, what] of Object.entries(asked.ports)) {
          const [number, protocol] = wanted.split("/");
          const port = only<Port>(spec.ports.filter((one: Port) => one.port === Number(number)));
          expect(port.protocol ?? "TCP", what).to.equal(protocol);
          const { containerPort, protocol: own } = only(reached(stack, "tempo-distributor", port));
          expect([containerPort, own ?? "TCP"], what).to.deep.equal([Number(number), protocol]);
          expect(listening, what).to.include(Number(number));
        }
        expect(listening).to.have.length(Object.keys(asked.ports).length);
      }
    });

    it("R4.4: 30 days, and the bucket's own lifecycle after them", () => {
      for (const stack of both) {
        expect(tempoConfig(stack).compactor.compaction.block_retention).to.equal("720h");
        const lifecycle = only(
          stack.recorded.filter(({ type, name }) => type.endsWith(":IlmPolicy") && name === "tempo-data"),
        );
        const [{ expiration }] = lifecycle.inputs["rules"] as { expiration: string }[] as [
          { expiration: string },
        ];
        expect(Number.parseInt(expiration, 10)).to.be.greaterThan(30);
      }
    });

    it("R4.5: searches are sent through the query-frontend to the queriers, at the address in names.ts", () => {
      for (const stack of both) {
        const { query_frontend, querier, server } = tempoConfig(stack);
        expect(query_frontend.search.concurrent_jobs).to.be.greaterThan(0);
        const [, name = "", port] = /^([\w-]+):(\d+)$/.exec(querier.frontend_worker.frontend_address) ?? [];
        const { spec } = find(stack, "Service", name);
        expect(spec.clusterIP, "each querier knows every frontend").to.equal("None");
        expect(spec.ports.map((one: Port) => one.port)).to.include(Number(port));
        expect(server.http_listen_port).to.equal(3200);
        const { metadata, spec: gateway } = find(stack, "Service", services.tempo.name);
        expect(metadata.namespace).to.equal(services.tempo.namespace);
        expect(gateway.ports.map(({ port }: Port) => port)).to.include(services.tempo.port);
      }
    });

    it("R4.5: no accepted trace is too large for the response of a search", () => {
      for (const stack of both) {
        const { overrides, server } = tempoConfig(stack);
        const { max_bytes_per_trace } = overrides.defaults.global;
        for (const side of ["recv", "send"])
          expect(server[`grpc_server_max_${side}_msg_size`], side).to.be.greaterThan(max_bytes_per_trace);
      }
    });

    it("R4.6: span metrics and service graphs, with exemplars, written to Mimir for applications", () => {
      for (const [stack, cluster, shards] of [
        [dev, "dev", 4],
        [prod, "prod", 10],
      ] as const) {
        const { overrides, metrics_generator: generator } = tempoConfig(stack);
        expect(overrides.defaults.metrics_generator.processors).to.have.members([
          "service-graphs",
          "span-metrics",
        ]);
        expect(generator.storage.remote_write_add_org_id_header).to.equal(false);
        expect(only<object>(generator.storage.remote_write)).to.deep.equal({
          url: `${urls.mimir}/api/v1/push`,
          basic_auth: {
            username: "pods-write",
            password_file: "/etc/gateway/mimir-pods-write.password",
          },
          send_exemplars: true,
          queue_config: { min_shards: shards, max_shards: shards },
        });
        expect(generator.registry.external_labels).to.deep.equal({ cluster });
        for (const processor of ["service_graphs", "span_metrics"])
          expect(generator.processor[processor].span_multiplier_key, processor).to.equal("sampling.ratio");
      }
    });

    it("R4.7: separate tenants, each within limits, or its own limits", async () => {
      for (const stack of both) {
        const { multitenancy_enabled, overrides } = tempoConfig(stack);
        expect(multitenancy_enabled).to.equal(true);
        expect(overrides.defaults.ingestion).to.include({
          rate_strategy: "global",
          rate_limit_bytes: 15 * 1024 ** 2,
          burst_size_bytes: 20 * 1024 ** 2,
        });
        expect(fileIn(stack, "tempo-runtime", "overrides.yaml")).to.deep.equal({ overrides: {} });
      }
      const own = await renderStack({
        environment: "prod",
        tempo: { tenants: { audit: { retention: "90d" } } },
      });
      const { defaults, per_tenant_override_config: file } = tempoConfig(own).overrides;
      expect(fileIn(own, "tempo-runtime", "overrides.yaml")).to.deep.equal({
        overrides: { audit: { ...defaults, compaction: { block_retention: "2160h" } } },
      });
      const { spec } = find(own, "Deployment", "tempo-compactor")["spec"].template;
      const { name } = only<{ name: string }>(
        spec.volumes.filter(
          (one: { configMap?: { name: string } }) => one.configMap?.name === "tempo-runtime",
        ),
      );
      const { volumeMounts = [] } = only<Container>(spec.containers);
      const { mountPath } = only(volumeMounts.filter((mount) => mount.name === name));
      expect(file).to.equal(`${mountPath}/overrides.yaml`);
    });
  });

  describe("R7, Alloy traces", () => {
    it("R7.1: OTLP on 4317 and 4318, at the addresses in names.ts; Jaeger and Zipkin on their ports", () => {
      for (const stack of both) {
        const { metadata, spec } = find(stack, "Service", "alloy-traces");
        expect([metadata.namespace, spec.type]).to.deep.equal(["alloy-traces", "ClusterIP"]);
        const ports: Port[] = spec.ports.filter(({ name }: Port) => name !== "http-metrics");
        expect(ports.map(({ name, port }) => [name, port])).to.have.deep.members([
          ["otlp-grpc", 4317],
          ["otlp-http", 4318],
          ["jaeger-grpc", 14250],
          ["jaeger-http", 14268],
          ["zipkin", 9411],
        ]);
        const pipeline: string = find(stack, "ConfigMap", "alloy-traces")["data"]["config.alloy"];
        for (const port of ports) {
          expect(only(reached(stack, "alloy-traces", port)).containerPort).to.equal(port.port);
          expect(pipeline).to.match(new RegExp(`endpoint\\s+= "0\\.0\\.0\\.0:${port.port}"`));
        }
      }
    });

    it("R7.2: it may read the metadata of pods that it adds", () => {
      for (const stack of both) {
        const rules: { resources: string[]; verbs: string[] }[] = find(
          stack,
          "ClusterRole",
          "alloy-traces",
        ).rules;
        const resources = rules.flatMap((rule) => rule.resources);
        expect(resources).to.include.members(["pods", "namespaces", "nodes", "replicasets"]);
        expect(resources).not.to.include.oneOf(["secrets", "configmaps", "*"]);
        for (const { verbs } of rules) expect(verbs).to.deep.equal(["get", "list", "watch"]);
        const { subjects } = find(stack, "ClusterRoleBinding", "alloy-traces");
        const { serviceAccountName } = find(stack, "StatefulSet", "alloy-traces")["spec"].template.spec;
        expect(only<object>(subjects)).to.deep.include({
          name: serviceAccountName,
          namespace: "alloy-traces",
        });
      }
    });

    it("R7.3: spans are sent in batches to Tempo's gateway as the writer of traces, with a queue", () => {
      for (const stack of both) {
        expect(variables(stack)).to.include({
          TEMPO_URL: "http://tempo-gateway.tempo.svc",
          TEMPO_USER: "traces-write",
          TEMPO_PASSWORD_FILE: "/etc/gateway/tempo-traces-write.password",
          STORAGE: "/var/lib/alloy",
          BUFFER: String((stack === prod ? 2048 : 512) * 1024 ** 2),
        });
        const pipeline: string = find(stack, "ConfigMap", "alloy-traces")["data"]["config.alloy"];
        for (const part of ["processor.batch", "processor.memory_limiter", "processor.k8sattributes"])
          expect(pipeline).to.include(`otelcol.${part} `);
      }
    });

    it("R7.4: two replicas in prod, which find each other through a Service that selects them", () => {
      expect(both.map((stack) => replicasOf(workload(stack, "alloy-traces")))).to.deep.equal([1, 2]);
      for (const stack of both) {
        const { spec } = find(stack, "Service", tracesReplicas.name);
        expect(spec.clusterIP).to.equal("None");
        // Alloy neither samples traces nor counts spans: no replica needs whole traces.
        expect(variables(stack)).not.to.have.property("REPLICAS");
        const { labels } = find(stack, "StatefulSet", "alloy-traces")["spec"].template.metadata;
        expect(labels).to.include(spec.selector);
      }
    });

    it("R7.4: tail sampling only if the collector samples, with its table unchanged", async () => {
      for (const stack of both)
        expect(find(stack, "ConfigMap", "alloy-traces")["data"]["config.alloy"]).not.to.include(
          "tail_sampling",
        );
      const services = { 'a "quoted" one': 0.5, "{{ .Values.x }}": 0, "$& {shares}": 1 };
      const stack = await renderStack({
        environment: "prod",
        tracing: { sampling: { appliedBy: "collector", services }, metricsFrom: "alloy" },
      });
      const pipeline: string = find(stack, "ConfigMap", "alloy-traces")["data"]["config.alloy"];
      for (const name of Object.keys(services))
        expect(pipeline).to.include(`name = ${JSON.stringify(`service ${name}`)}`);
      expect(pipeline.match(/sampling_percentage = (.*)/g)).to.deep.equal(
        [50, 0, 100, 10].map((percent) => `sampling_percentage = ${percent}`),
      );
      expect(pipeline).to.include("otelcol.exporter.loadbalancing");
      const { metadata } = find(stack, "Service", tracesReplicas.name);
      expect(variables(stack)).to.include({
        ...{ SDK_RATIO: "1", SLOW_MS: "2000", DECISION_WAIT: "10s" },
        REPLICAS: `${metadata.name}.${metadata.namespace}.svc`,
      });
      expect(tempoConfig(stack).overrides.defaults.metrics_generator.processors).to.deep.equal([]);
    });

    it("R7.4: replicas that generate metrics are identified by their pods", async () => {
      const stack = await renderStack({
        environment: "prod",
        tracing: { sampling: { ratio: 1 }, metricsFrom: "alloy" },
      });
      const { env = [] } = container(find(stack, "StatefulSet", "alloy-traces"), "alloy");
      expect(only(env.filter(({ name }) => name === "POD_NAME")).valueFrom).to.deep.equal({
        fieldRef: { fieldPath: "metadata.name" },
      });
    });

    it("R7.5: an operator with a certificate, whose webhooks use its Service", () => {
      for (const stack of both) {
        const operator = find(stack, "Deployment", "opentelemetry-operator");
        const { secret } = only<{ secret?: { secretName: string } }>(operator["spec"].template.spec.volumes);
        const { data } = only(
          ofKind(stack, "Secret").filter(({ metadata }) => metadata.name === secret?.secretName),
        );
        expect(data).to.have.all.keys("ca.crt", "tls.crt", "tls.key");
        const hooks = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]
          .flatMap((kind) => ofKind(stack, kind))
          .filter(({ metadata }) => metadata.name.startsWith("opentelemetry-operator"))
          .flatMap(({ webhooks }) => webhooks);
        expect(hooks).to.have.lengthOf.at.least(5);
        for (const { name, clientConfig, failurePolicy } of hooks) {
          expect(clientConfig.caBundle, name).to.equal(data["ca.crt"]);
          expect(find(stack, "Service", clientConfig.service.name).metadata.namespace).to.equal(
            clientConfig.service.namespace,
          );
          // Pods start, traced or not, while the operator is unavailable.
          if (name === "mpod.kb.io") expect(failurePolicy).to.equal("Ignore");
        }
      }
    });

    it("R7.5: its CRDs stay in prod when it is deleted, and with them their custom resources", () => {
      const kept = (stack: RenderedStack) => {
        const own = ofKind(stack, "CustomResourceDefinition").filter(
          ({ spec }) => spec.group === "opentelemetry.io",
        );
        expect(own).to.have.length(4);
        return own.map(
          ({ metadata }) => (metadata["annotations"] as Record<string, string>)["helm.sh/resource-policy"],
        );
      };
      expect(new Set(kept(prod))).to.deep.equal(new Set(["keep"]));
      expect(new Set(kept(dev))).to.deep.equal(new Set([undefined]));
    });

    it("R7.5: cert-manager issues the certificate if it is installed", async () => {
      const stack = await renderStack({ environment: "dev", openTelemetryOperator: { certManager: true } });
      expect(namesOf(stack, "Certificate")).to.have.length(1);
      expect(ofKind(stack, "Secret").filter(({ type }) => type === "kubernetes.io/tls")).to.deep.equal([]);
    });
  });

  describe("R9, instrumentation", () => {
    const spec = (stack: RenderedStack) => find(stack, "Instrumentation", instrumentation.name)["spec"];

    it("R9.1, R9.2: spans are sent to Alloy, with context propagation by traceparent and baggage", () => {
      for (const stack of both) {
        expect(spec(stack).exporter).to.deep.equal({ endpoint: servedUrls(settingsOf("dev")).otlpHttp });
        expect(spec(stack).propagators).to.deep.equal(["tracecontext", "baggage"]);
      }
    });

    it("R9.3: one of ten traces in prod, every one in dev, and Alloy has the ratio", () => {
      const samplers = both.map((stack) => spec(stack).sampler);
      expect(samplers).to.deep.equal(
        ["1", "0.1"].map((argument) => ({ type: "parentbased_traceidratio", argument })),
      );
      expect(both.map((stack) => variables(stack)["SDK_RATIO"])).to.deep.equal(["1", "0.1"]);
    });

    it("R9.4: spans name their environment", () => {
      expect(both.map((stack) => spec(stack).resource.resourceAttributes)).to.deep.equal([
        { "deployment.environment": "dev" },
        { "deployment.environment": "prod" },
      ]);
      for (const [stack, environment] of [
        [dev, "dev"],
        [prod, "prod"],
      ] as const)
        expect(Object.values(variables(stack)).join("\n")).to.match(
          // The statements are JSON.
          new RegExp(String.raw`deployment\.environment\\?"\], \\?"${environment}\\?"`),
        );
    });
  });
});
