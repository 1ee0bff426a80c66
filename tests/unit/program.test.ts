import { expect } from "chai";
import { parse } from "yaml";
import { pins } from "../../charts";
import { generated, type Recorded, type Recording } from "../../cli/lib/record";
import { bucketsOf, consumers, podSecurity } from "../../names";
import type { Settings } from "../../settings";
import { alertmanagerConfig } from "../../values/alertmanager";
import { type BucketKey, bucketLifecycles, consumerPolicy } from "../../values/minio-access";
import { namespaces } from "../support/names";
import {
  type Config,
  type Environment,
  errorOf,
  externalS3,
  recordingOf,
  settingsOf,
} from "../support/stacks";

// Tests read nested inputs, whose types say only that they are plain data.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;

const day = 86400;
const release = "kubernetes:helm.sh/v3:Release";
const type = {
  namespace: "kubernetes:core/v1:Namespace",
  secret: "kubernetes:core/v1:Secret",
  configMap: "kubernetes:core/v1:ConfigMap",
  claim: "kubernetes:core/v1:PersistentVolumeClaim",
  bucket: "minio:index/s3Bucket:S3Bucket",
  encryption: "minio:index/s3BucketServerSideEncryption:S3BucketServerSideEncryption",
  lifecycle: "minio:index/ilmPolicy:IlmPolicy",
  versioning: "minio:index/s3BucketVersioning:S3BucketVersioning",
  user: "minio:index/iamUser:IamUser",
  policy: "minio:index/iamPolicy:IamPolicy",
  attachment: "minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment",
  minioProvider: "pulumi:providers:minio",
  key: "random:index/randomBytes:RandomBytes",
  daemonSet: "kubernetes:apps/v1:DaemonSet",
  service: "kubernetes:core/v1:Service",
  monitor: "kubernetes:monitoring.coreos.com/v1:ServiceMonitor",
  instrumentation: "kubernetes:opentelemetry.io/v1alpha1:Instrumentation",
  collector: "kubernetes:opentelemetry.io/v1beta1:OpenTelemetryCollector",
};

const ofType = ({ resources }: Recording, wanted: string) => resources.filter((r) => r.type === wanted);
const namesOf = (recording: Recording, wanted: string) => ofType(recording, wanted).map(({ name }) => name);
const inputsOf = (recording: Recording, wanted: string, name: string): Any => {
  const [found] = ofType(recording, wanted).filter((resource) => resource.name === name);
  if (!found) throw new Error(`there is no ${wanted} ${name}`);
  return found.inputs;
};

/** Paths of the texts in a tree that contain one of these. */
const holding = (node: unknown, hidden: string[], path = ""): string[] => {
  if (typeof node === "string") return hidden.some((text) => node.includes(text)) ? [path] : [];
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, child]) => holding(child, hidden, `${path}.${key}`));
};

/** Allowed locations of secrets: Secrets, a user of MinIO, the provider's own configuration. */
const isSecretPlace = ({ type: of }: Recorded, path: string) =>
  (of === type.secret && path.startsWith(".stringData.")) ||
  (of === type.user && path === ".secret") ||
  (of === type.minioProvider && path === ".minioPassword");

const external: Config = { objectStorage: { kind: "external", external: externalS3 } };
const encryptionKey = Buffer.alloc(32, 7).toString("base64");
const webhookUrl = "https://hooks.example.com/of-the-user";
const receivers: Config = { alerting: { receivers: { oncall: { webhookUrl } } } };
/** Stacks whose recordings are checked as a whole: environment, config, secrets from the user. */
const stacks: Record<string, [Environment, Config, string[]]> = {
  dev: ["dev", {}, []],
  prod: ["prod", {}, []],
  "dev with a key of its own": ["dev", { objectStorage: { minio: { encryptionKey } } }, [encryptionKey]],
  "prod with an external S3": [
    "prod",
    external,
    consumers.flatMap((consumer) => Object.values(externalS3[consumer])),
  ],
  "prod with a receiver of alerts": ["prod", receivers, [webhookUrl]],
};

/** Autoscalers in prod, if a component may grow (R13). */
const scaled = ["metrics-server", "keda"] as const;

describe("unit: program", function () {
  // The first recording loads the program and Pulumi's SDKs.
  this.timeout(60_000);
  let dev: Recording;
  let prod: Recording;

  before(async () => {
    dev = await recordingOf("dev");
    prod = await recordingOf("prod");
  });

  describe("registers", () => {
    const each = (check: (recording: Recording) => void) => () => {
      for (const recording of [dev, prod]) check(recording);
    };

    it(
      "its releases, pinned, under fixed names, with a timeout and a bounded history",
      each((recording) => {
        const releases = ofType(recording, release);
        expect(releases.map(({ inputs }) => [inputs["name"], inputs["namespace"]])).to.have.deep.members([
          ["minio", "minio"],
          ["loki", "loki"],
          ["mimir", "mimir"],
          ["kps-crds", "monitoring"],
          ["kps", "monitoring"],
          ["alloy-logs", "alloy-logs"],
          ["alloy-metrics", "alloy-metrics"],
          ["tempo", "tempo"],
          ["alloy-traces", "alloy-traces"],
          ["opentelemetry-operator", "opentelemetry"],
          ["grafana", "grafana"],
          ...(recording === prod ? scaled.map((name) => [name, "autoscaling"]) : []),
        ]);
        for (const { name, inputs } of releases) {
          expect(inputs["name"], name).to.equal(name);
          expect(inputs["timeout"], name).to.be.within(600, 2400);
          expect(inputs["maxHistory"], name).to.be.within(1, 50);
          expect(inputs["createNamespace"], name).to.equal(false);
        }
        for (const [name, chart] of [
          ["minio", "minio"],
          ["mimir", "mimir-distributed"],
          ["alloy-logs", "alloy"],
          ["alloy-metrics", "alloy"],
          ["alloy-traces", "alloy"],
          ["opentelemetry-operator", "opentelemetry-operator"],
          ...(recording === prod ? scaled.map((name) => [name, name] as const) : []),
        ] as const)
          expect(inputsOf(recording, release, name), name).to.deep.include({
            chart,
            version: pins[chart].version,
            repositoryOpts: { repo: pins[chart].repository },
          });
        for (const [name, chart] of [
          ["loki", "loki"],
          ["tempo", "tempo-distributed"],
          ["kps", "kube-prometheus-stack"],
          ["kps-crds", "prometheus-operator-crds"],
          ["grafana", "grafana"],
        ] as const)
          expect(inputsOf(recording, release, name), name).to.include({
            chart: `${pins[chart].repository}/${chart}`,
            version: pins[chart].version,
          });
      }),
    );

    it("releases that stay as they are if they fail", () => {
      for (const recording of [dev, prod])
        for (const { inputs } of ofType(recording, release))
          expect(inputs).to.include({ atomic: false, cleanupOnFail: false });
    });

    it(
      "namespaces, each with its Pod Security level",
      each((recording) => {
        // Without autoscaling there is no namespace for it; without backups none for their Jobs.
        const there = Object.entries(namespaces).filter(
          ([key]) => (recording === prod || key !== "autoscaling") && key !== "backup",
        );
        expect(namesOf(recording, type.namespace)).to.have.members(there.map(([, name]) => name));
        for (const [key, name] of there) {
          const { labels } = inputsOf(recording, type.namespace, name).metadata;
          const level = podSecurity[key as keyof typeof namespaces];
          for (const mode of ["enforce", "audit", "warn"])
            expect(labels[`pod-security.kubernetes.io/${mode}`], `${name} ${mode}`).to.equal(level);
        }
        // Only components that read the nodes' files may exceed the restricted level.
        const lax = Object.entries(podSecurity).filter(([, level]) => level !== "restricted");
        expect(lax.map(([key]) => key)).to.have.members(["alloyLogs", "monitoring"]);
      }),
    );

    it(
      "five buckets, each encrypted and with a lifecycle (R1.5, R1.6)",
      each((recording) => {
        const buckets = ["loki-data", "mimir-blocks", "mimir-ruler", "mimir-alertmanager", "tempo-data"];
        expect(namesOf(recording, type.bucket)).to.have.members(buckets);
        expect(namesOf(recording, type.lifecycle)).to.have.members(buckets);
        for (const bucket of buckets) {
          expect(inputsOf(recording, type.bucket, bucket)).to.include({ bucket, acl: "private" });
          expect(inputsOf(recording, type.encryption, bucket)).to.deep.equal({
            bucket,
            encryptionType: "aws:kms",
            kmsKeyId: "objects",
          });
        }
        expect(namesOf(recording, type.versioning)).to.have.members(["mimir-ruler", "mimir-alertmanager"]);
      }),
    );

    it(
      "a user with a policy for each consumer, and a Secret in the consumer's namespace (R1.7)",
      each((recording) => {
        expect(namesOf(recording, type.user)).to.have.members([...consumers]);
        expect(namesOf(recording, type.policy)).to.have.members([...consumers]);
        for (const consumer of consumers)
          expect(inputsOf(recording, type.attachment, consumer)).to.deep.equal({
            userName: consumer,
            policyName: consumer,
          });
        for (const consumer of consumers) {
          const secret = inputsOf(recording, type.secret, `${consumer}-s3`);
          expect(secret.metadata).to.deep.equal({ name: `${consumer}-s3`, namespace: consumer });
          expect(secret.stringData).to.deep.equal({ S3_ACCESS_KEY: consumer, S3_SECRET_KEY: generated });
        }
      }),
    );

    it("volumes for MinIO: one, or one for each server, of 50Gi (R1.2)", () => {
      const volumes = (recording: Recording) =>
        ofType(recording, type.claim).map(({ inputs }: Any) => [
          inputs.metadata.name,
          inputs.spec.resources.requests.storage,
        ]);
      expect(volumes(dev)).to.deep.equal([["minio-data", "50Gi"]]);
      expect(volumes(prod)).to.deep.equal([0, 1, 2, 3, 4, 5].map((n) => [`export-minio-${n}`, "50Gi"]));
    });

    it("CRDs for monitors and rules, which stay in the cluster if it is protected", async () => {
      const annotations = (recording: Recording) =>
        inputsOf(recording, release, "kps-crds").values.crds.annotations;
      expect(annotations(dev)).to.deep.equal({});
      expect(annotations(prod)).to.deep.equal({ "helm.sh/resource-policy": "keep" });
      const unprotected = await recordingOf("prod", { cluster: { protect: false } });
      expect(annotations(unprotected)).to.deep.equal({});
    });

    it("no CRDs if the cluster has them, but all of their custom resources", async () => {
      const without = await recordingOf("dev", { kubePrometheusStack: { crds: "existing" } });
      const others = (names: string[]) => names.filter((name) => name !== "kps-crds");
      expect(namesOf(without, release)).to.have.members(others(namesOf(dev, release)));
      expect(namesOf(without, type.monitor)).to.have.members(["minio-monitor", "cadvisor"]);
    });

    it(
      "cAdvisor in the namespace monitoring, on every node",
      each((recording) => {
        for (const kind of [type.daemonSet, type.service, type.monitor])
          expect(inputsOf(recording, kind, "cadvisor").metadata).to.include({
            name: "cadvisor",
            namespace: "monitoring",
          });
      }),
    );

    const exposed: [
      expose: string[],
      serviceType: string,
      nodePort: number | undefined,
      monitors: string[],
    ][] = [
      [["serviceMonitor", "nodePort"], "NodePort", 30090, ["cadvisor"]],
      [["serviceMonitor"], "ClusterIP", undefined, ["cadvisor"]],
      [["nodePort"], "NodePort", 30090, []],
    ];
    for (const [expose, serviceType, nodePort, monitors] of exposed)
      it(`cAdvisor's port as ${expose.join(" and ")}`, async () => {
        const recording = await recordingOf("dev", { cadvisor: { expose } });
        const { spec } = inputsOf(recording, type.service, "cadvisor");
        expect([spec.type, spec.ports[0].nodePort]).to.deep.equal([serviceType, nodePort]);
        expect(namesOf(recording, type.monitor)).to.have.members(["minio-monitor", ...monitors]);
      });

    it("nothing of cAdvisor if it is off; Alloy then reads containers from the kubelet", async () => {
      const off = await recordingOf("dev", { cadvisor: { enabled: false } });
      expect(off.resources.filter(({ name }) => name === "cadvisor")).to.deep.equal([]);
      const omitted = (recording: Recording) =>
        inputsOf(recording, release, "alloy-metrics").values.alloy.extraEnv.find(
          ({ name }: { name: string }) => name === "OMITTED_PATHS",
        ).value;
      expect("/metrics/cadvisor").to.match(new RegExp(`^(?:${omitted(dev)})$`));
      expect("/metrics/cadvisor").not.to.match(new RegExp(`^(?:${omitted(off)})$`));
    });

    it("Alertmanager's configuration in the Secrets that Prometheus' and Mimir's read", async () => {
      const recording = await recordingOf("prod", receivers);
      const secrets = ofType(recording, type.secret)
        .map(({ inputs }: Any) => inputs)
        .filter(({ metadata }) => metadata.name === "alertmanager-config");
      expect(secrets.map(({ metadata }) => metadata.namespace)).to.have.members(["mimir", "monitoring"]);
      for (const { stringData } of secrets)
        expect(parse(stringData["alertmanager.yaml"])).to.deep.equal(
          alertmanagerConfig(settingsOf("prod", receivers)),
        );
    });

    it("a quota only if one is set", async () => {
      const buckets = { objectStorage: { buckets: { tempo: { quota: "100Gi" } } } };
      const limited = await recordingOf("dev", buckets);
      expect(inputsOf(limited, type.bucket, "tempo-data").quota).to.equal(100 * 1024 ** 3);
      expect(inputsOf(limited, type.bucket, "loki-data")).not.to.have.property("quota");
    });

    it("the user's key, or a generated one", async () => {
      const environmentFile = (recording: Recording) =>
        inputsOf(recording, type.secret, "minio-encryption").stringData["config.env"];
      expect(environmentFile(dev)).to.equal(`export MINIO_KMS_SECRET_KEY="objects:${generated}"\n`);
      const own = await recordingOf("dev", { objectStorage: { minio: { encryptionKey } } });
      expect(environmentFile(own)).to.equal(`export MINIO_KMS_SECRET_KEY="objects:${encryptionKey}"\n`);
    });

    it("nothing of MinIO for an external S3, whose credentials are in the consumers' Secrets (R1)", async () => {
      const recording = await recordingOf("prod", external);
      const ours = recording.resources.filter(({ type: of, name }) => /minio/i.test(`${of} ${name}`));
      expect(ours).to.deep.equal([]);
      const without = (names: string[]) => names.filter((name) => name !== "minio");
      expect(namesOf(recording, release)).to.have.members(without(namesOf(prod, release)));
      expect(namesOf(recording, type.namespace)).to.have.members(without(namesOf(prod, type.namespace)));
      for (const consumer of consumers)
        expect(inputsOf(recording, type.secret, `${consumer}-s3`).stringData).to.deep.equal({
          S3_ACCESS_KEY: externalS3[consumer].accessKey,
          S3_SECRET_KEY: externalS3[consumer].secretKey,
        });
      const { minioEndpoint, minioConsoleUrl } = recording.outputs;
      expect(minioEndpoint?.value).to.equal(externalS3.endpoint);
      expect(minioConsoleUrl?.value).to.equal(undefined);
    });
  });

  describe("keeps secrets", () => {
    for (const [title, [environment, config, given]] of Object.entries(stacks))
      it(`where they belong: ${title}`, async () => {
        const { resources, outputs } = await recordingOf(environment, config);
        const hidden = [generated, ...given];
        const places = resources.flatMap((resource) =>
          holding(resource.inputs, hidden).map((path) => ({ resource, path })),
        );
        expect(places, "secrets are there to be found").not.to.deep.equal([]);
        const wrong = places
          .filter(({ resource, path }) => !isSecretPlace(resource, path))
          .map(({ resource, path }) => `${resource.type} ${resource.name}${path}`);
        expect(wrong).to.deep.equal([]);
        const shown = Object.entries(outputs).filter(([, { secret }]) => !secret);
        expect(holding(Object.fromEntries(shown), hidden)).to.deep.equal([]);
      });

    it("in outputs: the passwords exist, and are secret", () => {
      for (const { outputs } of [dev, prod]) {
        for (const name of ["minioRootPassword", "grafanaAdminPassword"])
          expect(outputs[name], name).to.deep.equal({ value: generated, secret: true });
        const users = {
          lokiPasswords: ["logs-read", "logs-write"],
          mimirPasswords: [
            ...["pods", "nodes", "prometheus", "rollup-5m", "rollup-1h"].flatMap((tenant) => [
              `${tenant}-read`,
              `${tenant}-write`,
              `${tenant}-rules`,
            ]),
            "pods.nodes-read",
            "pods.nodes.rollup-5m.rollup-1h-read",
          ],
          tempoPasswords: ["traces-read", "traces-write"],
        };
        for (const [name, of] of Object.entries(users))
          expect(outputs[name], name).to.deep.equal({
            value: Object.fromEntries(of.map((user) => [user, generated])),
            secret: true,
          });
        // A single secret would make the whole object secret in the stack's outputs.
        const secrets = Object.entries(outputs).filter(([, { secret }]) => secret);
        expect(secrets.map(([name]) => name)).to.have.members([
          "minioRootPassword",
          "grafanaAdminPassword",
          ...Object.keys(users),
        ]);
      }
    });
  });

  it("outputs values for other programs, known in every preview", () => {
    for (const { outputs } of [dev, prod]) {
      const values = Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
      expect(values).to.deep.include({
        minioEndpoint: "minio.minio.svc:9000",
        minioConsoleUrl: "http://minio-console.minio.svc:9001",
        minioRootUser: "root",
        lokiUrl: "http://loki-gateway.loki.svc",
        lokiTenant: "logs",
        mimirUrl: "http://mimir-gateway.mimir.svc",
        mimirTenants: ["pods", "nodes", "prometheus", "rollup-5m", "rollup-1h"],
        tenants: ["logs", "pods", "nodes", "prometheus", "rollup-5m", "rollup-1h", "traces"],
        prometheusUrl: "http://kps-prometheus.monitoring.svc:9090",
        alertmanagerUrl: "http://kps-alertmanager.monitoring.svc:9093",
        tempoUrl: "http://tempo-gateway.tempo.svc",
        otlpGrpcEndpoint: "http://alloy-traces.alloy-traces.svc:4317",
        otlpHttpEndpoint: "http://alloy-traces.alloy-traces.svc:4318",
        instrumentation: "opentelemetry/default",
      });
    }
    expect([dev, prod].map(({ outputs }) => outputs["tracesSamplingRatio"]?.value)).to.deep.equal([1, 0.1]);
    expect(dev.outputs["environment"]?.value).to.equal("dev");
    expect(prod.outputs["cluster"]?.value).to.equal("prod");
  });

  it("outputs the tenants that a stack adds", async () => {
    const { outputs } = await recordingOf("dev", { mimir: { tenants: { payments: { series: 1000 } } } });
    expect(outputs["mimirTenants"]?.value).to.deep.equal([
      "pods",
      "nodes",
      "prometheus",
      "payments",
      "rollup-5m",
      "rollup-1h",
    ]);
    expect(outputs["tenants"]?.value).to.deep.equal([
      "logs",
      "pods",
      "nodes",
      "prometheus",
      "rollup-5m",
      "rollup-1h",
      "traces",
      "payments",
    ]);
  });

  it("leaves nothing unknown in a preview", () => {
    // The engine's placeholder for an unknown value.
    const unknown = ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"];
    for (const { resources, outputs } of [dev, prod])
      expect(holding({ inputs: resources.map(({ inputs }) => inputs), outputs }, unknown)).to.deep.equal([]);
  });

  describe("access to buckets", () => {
    const renamed = settingsOf("dev", {
      objectStorage: { buckets: { loki: { name: "team-loki" }, mimirRuler: { name: "team-rules" } } },
    });
    const bucketNames = ({ objectStorage }: Settings, keys: readonly BucketKey[]) =>
      keys.map((key) => objectStorage.buckets[key].name);

    for (const consumer of consumers)
      it(`${consumer} has access to its own buckets only, with single actions`, () => {
        const policies: [string, Settings][] = [
          [inputsOf(dev, type.policy, consumer).policy, settingsOf("dev")],
          [inputsOf(prod, type.policy, consumer).policy, settingsOf("prod")],
          [consumerPolicy(renamed, consumer), renamed],
        ];
        for (const [text, settings] of policies) {
          const { Statement: statements } = JSON.parse(text);
          const own = bucketNames(settings, bucketsOf[consumer]);
          const resources = statements.flatMap(({ Resource }: Any) => Resource);
          expect(resources).to.have.members(
            own.flatMap((name) => [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`]),
          );
          for (const { Effect, Action } of statements) {
            expect(Effect).to.equal("Allow");
            for (const action of Action) expect(action).to.match(/^s3:[A-Za-z]+$/);
            expect(Action).not.to.include.oneOf(["s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketPolicy"]);
          }
        }
      });

    it("each bucket belongs to one consumer", () => {
      const owned = Object.values(bucketsOf).flat();
      expect(owned).to.have.members(Object.keys(settingsOf("dev").objectStorage.buckets));
      expect(new Set(owned).size).to.equal(owned.length);
    });
  });

  describe("lifecycle", () => {
    const cases: Record<string, Config> = {
      "as it comes": {},
      "a namespace kept longest": { loki: { retention: { namespaces: { audit: "400d" } } } },
      "system logs kept longest": { loki: { retention: { system: "500d" } } },
      "debug lines kept longest": { loki: { retention: { debug: "600d" } } },
      "hours, and a margin of a day and a minute": {
        loki: { retention: { application: "49h" } },
        mimir: { retention: "25h" },
        tempo: { retention: "1h" },
        objectStorage: { lifecycleMargin: "1501m" },
      },
      "a tenant's metrics kept longest": { mimir: { tenants: { audit: { retention: "700d" } } } },
      "a tenant's metrics kept shorter": { mimir: { tenants: { pods: { retention: "1d" } } } },
      "roll-ups of an hour kept longest": { mimir: { rollups: { oneHour: { retention: "1500d" } } } },
      "roll-ups of 5 minutes kept longest": { mimir: { rollups: { fiveMinutes: { retention: "1600d" } } } },
      "roll-ups kept longest, and off": {
        mimir: { rollups: { enabled: false, oneHour: { retention: "1500d" } } },
      },
      "a tenant's traces kept longest": { tempo: { tenants: { audit: { retention: "90d" } } } },
      "a tenant's traces kept shorter": { tempo: { tenants: { traces: { retention: "1d" } } } },
    };
    for (const [title, config] of Object.entries(cases))
      it(`never ends before the store's retention: ${title}`, () => {
        const settings = settingsOf("prod", config);
        const { loki, mimir, tempo, objectStorage } = settings;
        const lifecycles = bucketLifecycles(settings);
        const { namespaces: byNamespace, ...byKind } = loki.retention;
        const longest = Math.max(...Object.values(byKind), ...Object.values(byNamespace));
        const retention = {
          loki: longest,
          mimirBlocks: Math.max(
            mimir.retention,
            mimir.rollups.fiveMinutes.retention,
            mimir.rollups.oneHour.retention,
            ...Object.values(mimir.tenants).flatMap(({ retention }) => retention ?? []),
          ),
          tempo: Math.max(
            tempo.retention,
            ...Object.values(tempo.tenants).flatMap(({ retention }) => retention ?? []),
          ),
        };
        for (const [bucket, seconds] of Object.entries(retention)) {
          const { expireAfterDays = 0 } = lifecycles[bucket as BucketKey];
          const wanted = seconds + objectStorage.lifecycleMargin;
          expect(expireAfterDays * day, bucket).to.be.within(wanted, wanted + day);
        }
      });

    it("is one rule of each bucket", () => {
      for (const key of ["loki", "mimirBlocks", "tempo"] as const) {
        const { name } = settingsOf("prod").objectStorage.buckets[key];
        const { expireAfterDays } = bucketLifecycles(settingsOf("prod"))[key];
        expect(
          inputsOf(prod, type.lifecycle, name).rules.map(({ expiration }: Any) => expiration),
        ).to.deep.equal([`${expireAfterDays}d`]);
      }
    });

    it("never deletes rules and configuration, and keeps their old versions for a while", () => {
      for (const bucket of ["mimir-ruler", "mimir-alertmanager"])
        expect(inputsOf(prod, type.lifecycle, bucket).rules).to.deep.equal([
          { id: "old-versions", noncurrentVersionExpirationDays: 30 },
        ]);
    });
  });

  describe("protects and orders", () => {
    it("changes Secrets and ConfigMaps in place: a replacement would delete them for a moment", () => {
      for (const stack of [dev, prod])
        expect(inputsOf(stack, "pulumi:providers:kubernetes", "cluster")).to.include({
          enableSecretMutable: "true",
          enableConfigMapMutable: "true",
        });
    });

    const find = ({ resources }: Recording, id: string): Recorded => {
      const found = resources.find((r) => `${r.type}::${r.name}` === id);
      if (!found) throw new Error(`there is no ${id}`);
      return found;
    };

    it("in prod: namespaces, buckets, volumes and keys are protected from deletion", () => {
      const isKept = ({ type: of, name }: Recorded) =>
        [type.namespace, type.bucket, type.claim, type.key].includes(of) ||
        (of === type.secret && name === "minio-encryption") ||
        name === "grafana-secret-key";
      const kept = prod.resources.filter(({ options }) => options.protect);
      expect(kept).to.deep.equal(prod.resources.filter(isKept));
      expect(kept).to.have.length(Object.keys(namespaces).length - 1 + 5 + 6 + 1 + 1 + 1);
    });

    it("in dev: nothing is", () => {
      expect(dev.resources.filter(({ options }) => options.protect)).to.deep.equal([]);
    });

    it("objects in MinIO are deleted with its release, without a request to MinIO", () => {
      const inMinio = prod.resources.filter(({ type: of }) => of.startsWith("minio:"));
      expect(inMinio).to.have.length(5 + 5 + 5 + 2 + 3 * consumers.length);
      for (const { type: of, name, options } of inMinio)
        expect(options.deletedWith, `${of} ${name}`).to.equal(`${release}::minio`);
    });

    it("MinIO comes after its Secrets and volumes", () => {
      const installed = find(dev, "observability:index:HelmRelease::minio");
      expect(installed.options.dependencies).to.include.members([
        `${type.secret}::minio-root`,
        `${type.secret}::minio-encryption`,
        `${type.claim}::minio-data`,
      ]);
    });

    it("Loki comes after its Secret, its bucket and its access", () => {
      const { dependencies } = find(dev, "observability:index:HelmRelease::loki").options;
      expect(dependencies).to.include.members([
        `${type.secret}::loki-s3`,
        `${type.attachment}::loki`,
        `${type.lifecycle}::loki-data`,
      ]);
      expect(dependencies.join()).not.to.match(/mimir|tempo/);
    });

    it("Mimir comes after its Secrets, its buckets and its access", () => {
      const { dependencies } = find(dev, "observability:index:HelmRelease::mimir").options;
      expect(dependencies).to.include.members([
        `${type.secret}::mimir-s3`,
        `${type.secret}::mimir-alertmanager-config`,
        `${type.attachment}::mimir`,
        `${type.lifecycle}::mimir-blocks`,
        `${type.versioning}::mimir-ruler`,
        `${type.versioning}::mimir-alertmanager`,
      ]);
      expect(dependencies.join()).not.to.match(/loki|tempo|Release::kps(,|$)/);
    });

    it("components with monitors or rules come after the CRDs", async () => {
      const needing = [
        `${release}::kps`,
        ...["loki", "mimir", "tempo", "grafana", "alloy-logs", "alloy-metrics", "alloy-traces"].map(
          (name) => `observability:index:HelmRelease::${name}`,
        ),
        `${type.monitor}::cadvisor`,
        `${type.monitor}::minio-monitor`,
      ];
      for (const recording of [dev, prod])
        for (const id of needing)
          expect(find(recording, id).options.dependencies, id).to.include(`${release}::kps-crds`);
      const without = await recordingOf("dev", { kubePrometheusStack: { crds: "existing" } });
      for (const { type: of, name, options } of without.resources)
        expect(options.dependencies.join(), `${of} ${name}`).not.to.include("kps-crds");
    });

    it("Prometheus comes after Alertmanager's configuration, and does not wait for Mimir; nor does Alloy", () => {
      const kps = find(dev, "observability:index:HelmRelease::kps").options.dependencies;
      expect(kps).to.include(`${type.secret}::monitoring-alertmanager-config`);
      for (const of of [release, "observability:index:HelmRelease"])
        for (const name of ["kps", "alloy-metrics"])
          expect(find(dev, `${of}::${name}`).options.dependencies.join(), name).not.to.match(/mimir/);
    });

    it("Tempo comes after its Secret, its bucket and its access", () => {
      const { dependencies } = find(dev, "observability:index:HelmRelease::tempo").options;
      expect(dependencies).to.include.members([
        `${type.secret}::tempo-s3`,
        `${type.attachment}::tempo`,
        `${type.lifecycle}::tempo-data`,
      ]);
      expect(dependencies.join()).not.to.match(/loki|mimir|Release::kps(,|$)/);
    });

    it("Alloy for traces comes after the Service of its replicas, and waits neither for Tempo nor for Mimir", () => {
      const { dependencies } = find(dev, "observability:index:HelmRelease::alloy-traces").options;
      expect(dependencies).to.include(`${type.service}::alloy-traces-replicas`);
      for (const of of [release, "observability:index:HelmRelease"])
        for (const name of ["alloy-traces", "opentelemetry-operator"])
          expect(find(dev, `${of}::${name}`).options.dependencies.join(), name).not.to.match(
            /tempo|mimir|minio|Release::kps(,|$)/,
          );
    });

    it("the operator's custom resources come after its release, whose webhook must respond to them (R7.5)", () => {
      for (const recording of [dev, prod])
        for (const of of [type.instrumentation, type.collector]) {
          const [made, ...more] = ofType(recording, of);
          expect(more, of).to.deep.equal([]);
          expect(made?.options.dependencies, of).to.include(`${release}::opentelemetry-operator`);
        }
    });

    it("settings of a bucket are written one after the other", () => {
      const comesAfter = (id: string, before: string) =>
        expect(find(prod, id).options.dependencies, id).to.include(before);
      for (const bucket of namesOf(prod, type.bucket)) {
        comesAfter(`${type.encryption}::${bucket}`, `${type.bucket}::${bucket}`);
        comesAfter(`${type.lifecycle}::${bucket}`, `${type.encryption}::${bucket}`);
      }
      for (const bucket of namesOf(prod, type.versioning))
        comesAfter(`${type.versioning}::${bucket}`, `${type.lifecycle}::${bucket}`);
    });

    it("every object comes after its namespace", () => {
      for (const recording of [dev, prod])
        for (const { type: of, name, inputs, options } of recording.resources) {
          const namespace = (inputs as Any).metadata?.namespace ?? (of === release && inputs["namespace"]);
          if (namespace)
            expect(options.dependencies, `${of} ${name}`).to.include(`${type.namespace}::${namespace}`);
        }
    });
  });

  it("rejects invalid settings before it registers anything, and can be recorded again", async () => {
    const wrong = { loki: { replicationFactor: 9 } };
    const { message } = errorOf(() => settingsOf("dev", wrong));
    const failure = await recordingOf("dev", wrong).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(failure).to.equal(message);
    const again = await recordingOf("dev", { images: {} });
    expect(again).to.deep.equal(dev);
  });
});
