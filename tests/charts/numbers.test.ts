/** The required numbers, read from the rendered objects: rows R1 (object storage), R2 (Loki), R5 (Alloy logs). */
import { createHash } from "node:crypto";
import { expect } from "chai";
import { ofPod } from "../../bench/requested";
import { stores } from "../../names";
import { bytesOf } from "../../settings/units";
import { alloyPipeline } from "../../values/alloy";
import { alloyLogsPipeline } from "../../values/alloy-logs";
import { alloyMetricsPipeline } from "../../values/alloy-metrics";
import { namespaces, urls } from "../support/names";
import { container, fileIn, ofKind, only, replicasOf, variablesOf } from "../support/objects";
import {
  type Container,
  containersOf,
  find,
  type KubernetesObject,
  type Placed,
  type RenderedStack,
  renderStack,
  workloads,
} from "../support/rendered";
import { settingsOf } from "../support/stacks";
import { needsCharts } from "../support/tools";

const asked = {
  buckets: ["loki-data", "mimir-blocks", "mimir-ruler", "mimir-alertmanager", "tempo-data"], // R1.5
  lokiReplicas: {
    "loki-distributor": 3,
    "loki-ingester": 3,
    "loki-querier": 2,
    "loki-query-frontend": 2,
    "loki-compactor": 1,
  }, // R2.1
} as const;

const millicores = (cpu: string) => (cpu.endsWith("m") ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000);

const lokiConfig = (stack: RenderedStack) => fileIn(stack, "loki", "config.yaml");

const resourcesOf = ({ recorded }: RenderedStack, type: string) =>
  recorded.filter((resource) => resource.type.startsWith("minio:") && resource.type.endsWith(`:${type}`));

/** Custom resources from which Prometheus Operator creates pods. */
const operated = (stack: RenderedStack) => [...ofKind(stack, "Prometheus"), ...ofKind(stack, "Alertmanager")];

/** Custom resources from which the OpenTelemetry operator creates pods. */
const collectors = (stack: RenderedStack) => ofKind(stack, "OpenTelemetryCollector");

/** Images of collectors and injected containers of the OpenTelemetry operator. */
const injected = (stack: RenderedStack) => {
  const { args = [] } = only<Container>(
    find(stack, "Deployment", "opentelemetry-operator")["spec"].template.spec.containers,
  );
  return args.flatMap((arg) => /^--(?:collector|auto-instrumentation-\w+)-image=(.+)$/.exec(arg)?.[1] ?? []);
};

/** Arguments of Prometheus Operator for the sidecar of each of those pods. */
const reloader = (stack: RenderedStack, flag: string) => {
  const { args = [] } = only<Container>(
    find(stack, "Deployment", "kps-operator")["spec"].template.spec.containers,
  );
  return only(args.filter((arg) => arg.startsWith(`--${flag}=`))).slice(flag.length + 3);
};

/** Whether a budget's selector matches the pods of a workload. */
const picks = (budget: KubernetesObject, workload: Placed) =>
  budget.metadata.namespace === workload.object.metadata.namespace &&
  Object.entries(budget["spec"].selector.matchLabels).every(
    ([label, value]) => workload.object["spec"].template.metadata.labels[label] === value,
  );

describe("charts: the required numbers", function () {
  this.timeout(120_000);
  let dev: RenderedStack;
  let prod: RenderedStack;

  before(async function () {
    await needsCharts(this);
    dev = await renderStack({ environment: "dev" });
    prod = await renderStack({ environment: "prod" });
  });

  describe("R1, object storage", () => {
    it("R1.1: six distributed servers in prod, two a zone, one standalone in dev", () => {
      const server = find(prod, "StatefulSet", "minio");
      expect(server["spec"].replicas).to.equal(6);
      expect(
        JSON.stringify(container(server, "minio").args ?? container(server, "minio").command),
      ).to.include("{0...5}");
      expect(find(dev, "Deployment", "minio")["spec"].replicas).to.equal(1);
    });

    it("R1.2: PVCs of 50Gi, under the names that the workloads use", () => {
      const claims = (stack: RenderedStack) =>
        stack.objects
          .filter(({ release, object }) => object.kind === "PersistentVolumeClaim" && release !== "grafana")
          .map(({ object }) => [object.metadata.name, object["spec"].resources.requests.storage]);
      const template = only<KubernetesObject>(
        find(prod, "StatefulSet", "minio")["spec"].volumeClaimTemplates,
      );
      expect(claims(prod)).to.deep.equal(
        [0, 1, 2, 3, 4, 5].map((index) => [`${template.metadata.name}-minio-${index}`, "50Gi"]),
      );
      const { volumes } = find(dev, "Deployment", "minio")["spec"].template.spec;
      const [used] = volumes.flatMap((v: KubernetesObject) => v["persistentVolumeClaim"]?.claimName ?? []);
      expect(claims(dev)).to.deep.equal([[used, "50Gi"]]);
    });

    it("R1.3: Services of type ClusterIP for 9000 and 9001", () => {
      for (const stack of [dev, prod])
        for (const [name, port] of [
          ["minio", 9000],
          ["minio-console", 9001],
        ] as const) {
          const { type, ports } = find(stack, "Service", name)["spec"];
          expect([type, ports.map((p: { port: number }) => p.port)]).to.deep.equal(["ClusterIP", [port]]);
        }
    });

    it("R1.4, R1.6: MinIO has its root user and its encryption key from Secrets, and encrypts by default", () => {
      for (const [stack, kind] of [
        [dev, "Deployment"],
        [prod, "StatefulSet"],
      ] as const) {
        const server = find(stack, kind, "minio");
        const { env = [], volumeMounts = [] } = container(server, "minio");
        const variable = (name: string) => only(env.filter((one) => one.name === name));
        for (const [name, key] of [
          ["MINIO_ROOT_USER", "rootUser"],
          ["MINIO_ROOT_PASSWORD", "rootPassword"],
        ] as const)
          expect(variable(name)).to.deep.equal({
            name,
            valueFrom: { secretKeyRef: { name: "minio-root", key } },
          });
        const { volumes } = server["spec"].template.spec;
        const secret = only<{ name: string }>(
          volumes.filter(
            (v: { secret?: { secretName: string } }) => v.secret?.secretName === "minio-encryption",
          ),
        );
        const { mountPath } = only(volumeMounts.filter(({ name }) => name === secret.name));
        expect(variable("MINIO_CONFIG_ENV_FILE").value).to.equal(`${mountPath}/config.env`);
        expect(variable("MINIO_KMS_AUTO_ENCRYPTION").value).to.equal("on");
        expect(find(stack, "Secret", "minio-encryption")["stringData"]).to.have.all.keys("config.env");
        expect(find(stack, "Secret", "minio-root")["stringData"]).to.have.all.keys(
          "rootUser",
          "rootPassword",
        );
      }
    });

    it("R1.5, R1.6, R1.7: five encrypted buckets, and a user with a policy for each consumer", () => {
      for (const stack of [dev, prod]) {
        const inputs = (type: string, key: string) =>
          resourcesOf(stack, type).map((resource) => resource.inputs[key]);
        expect(inputs("S3Bucket", "bucket")).to.have.members(asked.buckets);
        expect(inputs("S3BucketServerSideEncryption", "bucket")).to.have.members(asked.buckets);
        expect(inputs("IlmPolicy", "bucket")).to.have.members(asked.buckets);
        expect(inputs("IamUser", "name")).to.have.members(["loki", "mimir", "tempo"]);
        expect(inputs("IamPolicy", "name")).to.have.members(["loki", "mimir", "tempo"]);
        expect(inputs("IamUserPolicyAttachment", "userName")).to.have.members(["loki", "mimir", "tempo"]);
      }
    });
  });

  describe("R2, Loki", () => {
    const replicas = (stack: RenderedStack) =>
      Object.fromEntries(
        workloads(stack)
          .filter(({ object }) => object.metadata.name in asked.lokiReplicas)
          .map((one) => [one.object.metadata.name, replicasOf(one, stack)]),
      );

    it("R2.1: replicas 3, 3, 2, 2, 1 and replication factor 3 in prod; one of each in dev", () => {
      expect(replicas(prod)).to.deep.equal(asked.lokiReplicas);
      expect(lokiConfig(prod).common.replication_factor).to.equal(3);
      expect(Object.values(replicas(dev))).to.deep.equal([1, 1, 1, 1, 1]);
      expect(lokiConfig(dev).common.replication_factor).to.equal(1);
    });

    it("R2.1: in prod, queriers and query-frontends find two query-schedulers through a headless Service", () => {
      const service = find(prod, "Service", "loki-query-scheduler-headless")["spec"];
      expect(service.clusterIP).to.equal("None");
      expect(service.ports.find(({ name }: { name: string }) => name === "grpc").port).to.equal(9095);
      for (const part of ["frontend", "frontend_worker"])
        expect(lokiConfig(prod)[part].scheduler_address).to.equal(
          "loki-query-scheduler-headless.loki.svc:9095",
        );
      const { replicas, template } = find(prod, "Deployment", "loki-query-scheduler")["spec"];
      expect(replicas).to.equal(2);
      expect(template.metadata.labels).to.include(service.selector);
      expect(template.spec.topologySpreadConstraints[0].topologyKey).to.equal("topology.kubernetes.io/zone");
      expect(find(prod, "PodDisruptionBudget", "loki-query-scheduler")["spec"].maxUnavailable).to.equal(1);
      expect(workloads(dev).map(({ object }) => object.metadata.name)).not.to.include("loki-query-scheduler");
      expect(lokiConfig(dev).frontend_worker.frontend_address).to.equal(
        "loki-query-frontend-headless.loki.svc:9095",
      );
    });

    it("R2.1: in prod, queriers find two index gateways with volumes through a headless Service of ready pods", () => {
      const { storage_config, index_gateway } = lokiConfig(prod);
      for (const shipper of ["boltdb_shipper", "tsdb_shipper"]) {
        const server = (config: typeof storage_config) => config[shipper].index_gateway_client.server_address;
        expect(server(storage_config)).to.equal("dns+loki-index-gateway-headless.loki.svc:9095");
        expect(server(lokiConfig(dev).storage_config)).to.equal("");
      }
      expect(index_gateway.mode).to.equal("simple");
      const service = find(prod, "Service", "loki-index-gateway-headless")["spec"];
      expect(service).to.include({ clusterIP: "None" }).and.not.have.property("publishNotReadyAddresses");
      const { spec } = find(prod, "StatefulSet", "loki-index-gateway");
      expect(spec).to.include({ replicas: 2, podManagementPolicy: "Parallel" });
      expect(spec.template.metadata.labels).to.include(service.selector);
      expect(spec.volumeClaimTemplates[0].spec.resources.requests.storage).to.equal("10Gi");
      expect(find(prod, "PodDisruptionBudget", "loki-index-gateway")["spec"].maxUnavailable).to.equal(1);
      expect(workloads(dev).map(({ object }) => object.metadata.name)).not.to.include("loki-index-gateway");
    });

    it("R2.1: query results are cached, in memcached in prod and in the query-frontend in dev", () => {
      const cache = (stack: RenderedStack) => lokiConfig(stack).query_range.results_cache.cache;
      expect(lokiConfig(prod).query_range.cache_results).to.equal(true);
      const address = cache(prod).memcached_client.addresses;
      expect(address).to.match(/\._tcp\.loki-results-cache\.loki\.svc/);
      expect(find(prod, "StatefulSet", "loki-results-cache")["spec"].replicas).to.equal(1);
      expect(lokiConfig(dev).query_range.cache_results).to.equal(true);
      expect(cache(dev).embedded_cache).to.include({ enabled: true });
      expect(cache(dev)).not.to.have.property("memcached_client");
    });

    it("R2.2: everything is stored in MinIO's bucket loki-data, with credentials from the Secret", () => {
      for (const stack of [dev, prod]) {
        const { s3 } = lokiConfig(stack).common.storage;
        expect(s3).to.include({
          bucketnames: "loki-data",
          endpoint: "http://minio.minio.svc:9000",
          access_key_id: "${S3_ACCESS_KEY}",
          secret_access_key: "${S3_SECRET_KEY}",
          s3forcepathstyle: true,
        });
        for (const name of Object.keys(asked.lokiReplicas)) {
          const { object } = only(workloads(stack).filter((one) => one.object.metadata.name === name));
          const { args = [], envFrom = [] } = only<Container>(object["spec"].template.spec.containers);
          expect(envFrom).to.deep.include({ secretRef: { name: "loki-s3" } });
          expect(args.filter((arg) => arg.startsWith("-config.expand-env"))).to.deep.equal([
            "-config.expand-env=true",
          ]);
        }
        expect(find(stack, "Secret", "loki-s3")["stringData"]).to.have.all.keys(
          "S3_ACCESS_KEY",
          "S3_SECRET_KEY",
        );
      }
    });

    it("R2.3: 30 days for applications, 15 for system namespaces, 7 for debug lines; one compactor deletes", () => {
      for (const stack of [dev, prod]) {
        const { limits_config: limits, compactor } = lokiConfig(stack);
        expect(limits.retention_period).to.equal("720h");
        const [system, journal, events, debug, smokeTest, ...others] = limits.retention_stream;
        expect(others).to.deep.equal([]);
        expect(journal).to.include({ period: "360h", selector: '{job="systemd-journal"}' });
        expect(events).to.include({ period: "360h", selector: '{job="kubernetes-events"}' });
        expect(smokeTest.selector).to.equal('{namespace="obs-smoke"}');
        expect(system.period).to.equal("360h");
        expect(system.selector).to.match(/^\{namespace=~"kube-system\|/);
        expect(debug).to.include({ period: "168h", selector: '{level="debug"}' });
        expect(debug.priority).to.be.greaterThan(system.priority);
        expect(compactor).to.include({ retention_enabled: true, delete_request_store: "s3" });
      }
    });

    it("R2.4, R2.5, R2.6: boltdb-shipper, snappy, 10 MB/s for each tenant", () => {
      for (const stack of [dev, prod]) {
        const config = lokiConfig(stack);
        expect(only<object>(config.schema_config.configs)).to.include({
          store: "boltdb-shipper",
          object_store: "s3",
        });
        expect(config.limits_config.allow_structured_metadata).to.equal(false);
        expect(config.ingester.chunk_encoding).to.equal("snappy");
        expect(config.limits_config.ingestion_rate_mb).to.equal(10);
        expect(config.auth_enabled).to.equal(true);
      }
    });
  });

  describe("R5, logs", () => {
    it("R5.1: a DaemonSet on every node that reads the node's log files", () => {
      for (const stack of [dev, prod]) {
        const agent = find(stack, "DaemonSet", "alloy-logs");
        const { volumes, tolerations } = agent["spec"].template.spec;
        expect(tolerations).to.deep.include({ operator: "Exists" });
        const files = only<{ name: string }>(
          volumes.filter((v: { hostPath?: { path: string } }) => v.hostPath?.path === "/var/log"),
        );
        const mounts = container(agent, "alloy").volumeMounts ?? [];
        expect(only(mounts.filter(({ name }) => name === files.name))).to.include({
          mountPath: "/var/log",
          readOnly: true,
        });
      }
    });

    it("R5.2: pods get the five labels", () => {
      const pipeline: string = find(prod, "ConfigMap", "alloy-logs")["data"]["config.alloy"];
      for (const label of [
        "[?]P<namespace>",
        "[?]P<pod_name>",
        "[?]P<container_name>",
        "node_name = ",
        "resource[.]job",
      ])
        expect(pipeline).to.match(new RegExp(label));
      // Helm's template engine has not changed it.
      expect(pipeline.trim()).to.include(alloyPipeline("logs").trim());
    });

    it("R5.3: a buffer of 1Gi on the node's disk, which outlives the pod", () => {
      for (const stack of [dev, prod]) {
        const agent = find(stack, "DaemonSet", "alloy-logs");
        const { volumes, updateStrategy } = { ...agent["spec"], ...agent["spec"].template.spec };
        const { name } = only<{ name: string }>(
          volumes.filter((v: { hostPath?: { path: string } }) => v.hostPath?.path === "/var/lib/alloy-logs"),
        );
        const { args = [], volumeMounts = [], env = [] } = container(agent, "alloy");
        const { mountPath } = only(volumeMounts.filter((mount) => mount.name === name));
        expect(args).to.include(`--storage.path=${mountPath}`);
        expect(args).to.include("--stability.level=public-preview");
        expect(env).to.deep.include({ name: "BUFFER", value: String(1024 ** 3) });
        // Two pods cannot have it open.
        expect(updateStrategy.rollingUpdate.maxSurge).to.equal(0);
      }
    });
  });

  describe("all workloads", () => {
    it("a disruption budget of one pod if there are several, and never one that blocks a drain", () => {
      for (const stack of [dev, prod]) {
        const budgets = ofKind(stack, "PodDisruptionBudget");
        for (const { metadata, spec } of budgets) {
          expect(spec.maxUnavailable, metadata.name).to.equal(1);
          expect(spec, metadata.name).not.to.have.property("minAvailable");
        }
        for (const workload of workloads(stack)) {
          const own = budgets.filter((budget) => picks(budget, workload));
          expect(own, workload.object.metadata.name).to.have.lengthOf.within(
            replicasOf(workload, stack) > 1 ? 1 : 0,
            1,
          );
        }
        for (const { metadata, spec } of operated(stack))
          expect(
            budgets.filter((budget) => budget.metadata.name === metadata.name),
            metadata.name,
          ).to.have.length(spec.replicas > 1 ? 1 : 0);
      }
    });

    it("requests and a memory limit for every container", () => {
      for (const stack of [dev, prod]) {
        const containers = workloads(stack).flatMap((workload) =>
          containersOf(workload).map(({ name, resources }) => ({
            which: `${workload.object.metadata.name}/${name}`,
            resources,
          })),
        );
        const made = [...operated(stack), ...collectors(stack)].map(({ kind, spec }) => ({
          which: kind,
          resources: spec.resources,
        }));
        for (const { which, resources } of [...containers, ...made]) {
          expect(resources?.requests, which).to.include.all.keys("cpu", "memory");
          expect(resources?.limits, which).to.include.all.keys("memory");
          expect(resources?.limits, which).not.to.have.property("cpu");
        }
        for (const kind of ["cpu-request", "memory-request", "memory-limit"])
          expect(reloader(stack, `config-reloader-${kind}`), kind).to.match(/^[1-9]\d*(m|Mi)$/);
      }
    });

    it("Go's soft memory limit below the hard one, and no variable set twice", () => {
      for (const stack of [dev, prod])
        for (const workload of workloads(stack))
          for (const one of containersOf(workload)) {
            const which = `${workload.object.metadata.name}/${one.name}`;
            const names = (one.env ?? []).map(({ name }) => name);
            expect(names, which).to.have.length(new Set(names).size);
            const soft = variablesOf(one)["GOMEMLIMIT"];
            const hard = bytesOf(one.resources?.limits?.["memory"] ?? "");
            // Below the memory that a program needs at rest, it would only collect garbage.
            if (soft) expect(bytesOf(soft.replace(/B$/, "")), which).to.be.within(hard * 0.4, hard * 0.9);
          }
    });

    it("dev requests less than one core and 3 GiB", () => {
      const total = (unit: "cpu" | "memory", amount: (text: string) => number) =>
        [
          // As the scheduler counts: an init container only if it requests more than the others together.
          ...workloads(dev)
            .filter(({ object }) => object.kind !== "Job")
            .map((one) => replicasOf(one) * ofPod(one.object["spec"].template.spec)[unit]),
          ...operated(dev).map(
            ({ spec }) =>
              spec.replicas *
              (amount(spec.resources.requests[unit]) +
                amount(reloader(dev, `config-reloader-${unit}-request`))),
          ),
          ...collectors(dev).map(({ spec }) => spec.replicas * amount(spec.resources.requests[unit])),
        ].reduce((sum, each) => sum + each, 0);
      const [cpu, memory] = [total("cpu", millicores), total("memory", bytesOf)];
      console.log(`      dev requests ${cpu}m CPU and ${memory / 1024 ** 2}Mi memory`);
      expect(cpu).to.be.within(1, 999);
      expect(memory).to.be.within(1, 3 * 1024 ** 3 - 1);
    });

    /** Images of all pods, including those that operators create or change. */
    const images = (stack: RenderedStack): string[] => [
      ...workloads(stack)
        .flatMap(containersOf)
        .map(({ image }) => image),
      ...operated(stack).map(({ spec }) => spec.image),
      reloader(stack, "prometheus-config-reloader"),
      ...injected(stack),
    ];

    it("Alloy's pods change when their pipeline changes", () => {
      for (const [kind, name, pipeline] of [
        ["DaemonSet", "alloy-logs", alloyLogsPipeline(settingsOf("prod"))],
        ["StatefulSet", "alloy-metrics", alloyMetricsPipeline(settingsOf("prod"))],
      ] as const) {
        const { annotations } = find(prod, kind, name)["spec"].template.metadata;
        const sum = createHash("sha256").update(pipeline).digest("hex");
        // The chart truncates it to the length of a label.
        expect(annotations["checksum/config"], name).to.equal(sum.slice(0, 63));
      }
    });

    it("credentials for S3 are only in their store, and in no gateway and no cache", () => {
      for (const stack of [dev, prod])
        for (const placed of workloads(stack))
          for (const { envFrom, image } of containersOf(placed)) {
            const secrets = (envFrom ?? [])
              .flatMap(({ secretRef }) => secretRef?.name ?? [])
              .filter((name) => name.endsWith("-s3"));
            const store = /grafana\/(loki|mimir|tempo):/.exec(image)?.[1];
            expect(secrets, `${placed.object.metadata.name}: ${image}`).to.deep.equal(
              store ? [`${store}-s3`] : [],
            );
          }
    });

    it("no image is `latest` or without a tag", () => {
      for (const stack of [dev, prod]) expect(injected(stack)).to.have.length(1 + 6);
      for (const stack of [dev, prod])
        for (const image of images(stack))
          expect(image).to.match(/(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})$/);
    });

    it("with images.registry and images.pullSecret no image is from another registry, or without the Secret", async () => {
      const registry = "registry.example:5000/mirror";
      const pullSecret = "registry-login";
      const withoutHost = (image: string) => image.replace(/^[^/]+\.[^/]+\//, "");
      for (const environment of ["dev", "prod"]) {
        const mirrored = await renderStack({ environment, images: { registry, pullSecret } });
        const plain = await renderStack({ environment });
        expect(images(mirrored)).to.deep.equal(
          images(plain).map((image) => `${registry}/${withoutHost(image)}`),
        );
        const pods = [
          ...workloads(mirrored).map(({ object }) => [object.metadata.name, object["spec"].template.spec]),
          ...operated(mirrored).map(({ metadata, spec }) => [metadata.name, spec]),
        ];
        for (const [name, { imagePullSecrets }] of pods)
          expect(imagePullSecrets, name).to.deep.equal([{ name: pullSecret }]);
      }
    });
  });

  it("every address in names.ts belongs to an existing Service", () => {
    // The OpenTelemetry operator creates the Service of the collector.
    for (const stack of [dev, prod])
      for (const [name, url] of Object.entries(urls).filter(([name]) => name !== "collector")) {
        const { hostname, port } = new URL(url);
        const found = stack.objects.filter(
          ({ namespace, object }) =>
            object.kind === "Service" &&
            hostname === `${object.metadata.name}.${object.metadata.namespace ?? namespace}.svc`,
        );
        const { ports } = only(found).object["spec"];
        expect(
          ports.map((one: { port: number }) => one.port),
          name,
        ).to.include(Number(port || 80));
      }
  });

  it("no object names cluster.local in a cluster with another domain", async () => {
    const other = await renderStack({ environment: "prod", cluster: { domain: "corp.internal" } });
    const named = other.objects.map(({ object }) => JSON.stringify(object));
    expect(named.filter((text) => text.includes("cluster.local"))).to.deep.equal([]);
    expect(named.filter((text) => text.includes("corp.internal"))).not.to.deep.equal([]);
  });

  describe("secrets", () => {
    /** Everything outside Secrets, as text. */
    const open = (stack: RenderedStack) =>
      stack.objects
        .filter(({ object }) => object.kind !== "Secret")
        .map(({ object }) => JSON.stringify(object));

    it("are in no object except Secrets, and no chart contains one except the certificate of its own webhook", () => {
      for (const stack of [dev, prod]) {
        // In plain text, and in Base64 as basic-auth credentials.
        const hidden = /\[generated\]|Basic [\w+/]{20,}/;
        expect(open(stack).filter((text) => hidden.test(text))).to.deep.equal([]);
        const brought = stack.objects.filter((one) => one.release && one.object.kind === "Secret");
        expect(brought.map(({ release, object }) => [release, object["type"]])).to.deep.equal([
          ["opentelemetry-operator", "kubernetes.io/tls"],
        ]);
        const secrets = ofKind(stack, "Secret").filter((one) => hidden.test(JSON.stringify(one)));
        const clients = ["alloy-logs", "alloy-metrics", "alloy-traces", "monitoring", "grafana"];
        const of = (name: string) =>
          secrets.flatMap(({ metadata }) => (metadata.name === name ? [metadata.namespace] : []));
        expect(of("gateway-users")).to.have.members([...stores]);
        expect(of("gateway-credentials")).to.have.members([...stores, ...clients]);
        const others = secrets.filter(({ metadata }) => !metadata.name.startsWith("gateway-"));
        expect(others.map(({ metadata }) => metadata.name)).to.have.members([
          "minio-root",
          "minio-encryption",
          "loki-s3",
          "mimir-s3",
          "tempo-s3",
          "grafana-admin",
          "grafana-environment",
        ]);
      }
    });

    it("from the user are in no object except Secrets, either", async () => {
      const encryptionKey = `${"k".repeat(43)}=`;
      const keys = (name: string) => ({ accessKey: `${name}-access-key`, secretKey: `${name}-secret-key` });
      const webhookUrl = "https://hooks.example/of-the-user";
      const own = await renderStack({
        environment: "prod",
        objectStorage: { minio: { encryptionKey } },
        alerting: { receivers: { oncall: { webhookUrl } } },
      });
      const external = await renderStack({
        environment: "prod",
        objectStorage: {
          kind: "external",
          external: {
            endpoint: "s3.example",
            region: "eu-west-1",
            tls: true,
            pathStyle: false,
            loki: keys("loki"),
            mimir: keys("mimir"),
            tempo: keys("tempo"),
          },
        },
      });
      for (const secret of [encryptionKey, webhookUrl])
        expect(open(own).filter((text) => text.includes(secret))).to.deep.equal([]);
      const alerting = ofKind(own, "Secret").filter(
        ({ metadata }) => metadata.name === "alertmanager-config",
      );
      expect(alerting.map(({ metadata }) => metadata.namespace)).to.have.members(["mimir", "monitoring"]);
      for (const { stringData } of alerting) expect(stringData["alertmanager.yaml"]).to.include(webhookUrl);
      expect(open(external).filter((text) => /-(access|secret)-key"/.test(text))).to.deep.equal([]);
      expect(find(own, "Secret", "minio-encryption")["stringData"]["config.env"]).to.include(encryptionKey);
      for (const consumer of ["loki", "mimir", "tempo"])
        expect(find(external, "Secret", `${consumer}-s3`)["stringData"]).to.deep.equal({
          S3_ACCESS_KEY: `${consumer}-access-key`,
          S3_SECRET_KEY: `${consumer}-secret-key`,
        });
      expect(external.objects.filter(({ namespace }) => namespace === namespaces.minio)).to.deep.equal([]);
    });
  });
});
