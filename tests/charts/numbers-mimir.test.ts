/** The required numbers, read from the rendered objects: row R3 (Mimir). */
import { expect } from "chai";
import { namespaces } from "../support/names";
import { fileIn, ofKind, only, replicasOf, workload } from "../support/objects";
import {
  type Container,
  find,
  type KubernetesObject,
  type RenderedStack,
  renderStack,
  workloads,
} from "../support/rendered";
import { needsCharts } from "../support/tools";

const asked = {
  mimirReplicas: {
    "mimir-distributor": 3,
    "mimir-ingester": 3,
    "mimir-querier": 2,
    "mimir-query-frontend": 2,
    "mimir-store-gateway": 2,
    "mimir-compactor": 1,
    "mimir-ruler": 2,
    "mimir-alertmanager": 3,
  }, // R3.1
  mimirResources: { "mimir-ingester": ["2", "4Gi"], "mimir-querier": ["1", "2Gi"] }, // R3.6
} as const;

const mimirConfig = (stack: RenderedStack) => fileIn(stack, "mimir-config", "mimir.yaml");

describe("charts: the required numbers of Mimir", function () {
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

  const replicas = (stack: RenderedStack) =>
    Object.fromEntries(
      workloads(stack)
        .filter(({ object }) => object.metadata.name in asked.mimirReplicas)
        .map((one) => [one.object.metadata.name, replicasOf(one, stack)]),
    );

  it("R3.1: replicas 3, 3, 2, 2, 2, 1, 2, 3 in prod; one of each in dev; no Kafka, no zones", () => {
    expect(replicas(prod)).to.deep.equal(asked.mimirReplicas);
    expect(Object.values(replicas(dev))).to.deep.equal(Array(8).fill(1));
    for (const stack of both) {
      expect(mimirConfig(stack).ingest_storage.enabled).to.equal(false);
      expect(mimirConfig(stack).ingester.push_grpc_method_enabled).to.equal(true);
      const own = workloads(stack).filter((one) => one.release === "mimir");
      expect(own.map(({ object }) => object.metadata.name).join()).not.to.match(/kafka|zone-|minio|rollout/);
    }
  });

  it("R3.1: ingesters, store-gateways, compactor and Alertmanager have a volume that outlives the pod", () => {
    const disks = (stack: RenderedStack) =>
      Object.fromEntries(
        ["ingester", "store-gateway", "compactor", "alertmanager"].map((name) => {
          const { spec } = find(stack, "StatefulSet", `mimir-${name}`);
          const claim = only<KubernetesObject>(spec.volumeClaimTemplates);
          const { volumeMounts = [] } = only<Container>(spec.template.spec.containers);
          expect(only(volumeMounts.filter((mount) => mount.name === claim.metadata.name)).mountPath).to.equal(
            "/data",
          );
          return [name, claim["spec"].resources.requests.storage];
        }),
      );
    expect(disks(prod)).to.deep.equal({
      ingester: "50Gi",
      "store-gateway": "20Gi",
      compactor: "50Gi",
      alertmanager: "1Gi",
    });
    expect(Object.keys(disks(dev))).to.have.length(4);
    for (const stack of both) {
      const { blocks_storage: blocks, compactor, alertmanager } = mimirConfig(stack);
      for (const folder of [
        blocks.tsdb.dir,
        blocks.bucket_store.sync_dir,
        compactor.data_dir,
        alertmanager.data_dir,
      ])
        expect(folder).to.match(/^\/data/);
    }
  });

  it("R3.2: the three buckets in MinIO, with credentials from the Secret", () => {
    for (const stack of both) {
      const config = mimirConfig(stack);
      expect(config.common.storage).to.deep.equal({
        backend: "s3",
        s3: {
          endpoint: "minio.minio.svc:9000",
          region: "us-east-1",
          insecure: true,
          bucket_lookup_type: "path",
          access_key_id: "${S3_ACCESS_KEY}",
          secret_access_key: "${S3_SECRET_KEY}",
        },
      });
      expect(config.blocks_storage.s3).to.deep.equal({ bucket_name: "mimir-blocks" });
      expect(config.ruler_storage.s3).to.deep.equal({ bucket_name: "mimir-ruler" });
      expect(config.alertmanager_storage.s3).to.deep.equal({ bucket_name: "mimir-alertmanager" });
      for (const name of Object.keys(asked.mimirReplicas)) {
        const { args = [], envFrom = [] } = only<Container>(
          workload(stack, name).object["spec"].template.spec.containers,
        );
        expect(envFrom, name).to.deep.include({ secretRef: { name: "mimir-s3" } });
        expect(args, name).to.include("-config.expand-env=true");
      }
      expect(find(stack, "Secret", "mimir-s3")["stringData"]).to.have.all.keys(
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
      );
    }
  });

  it("R3.3: many tenants, one query over several, and none without a name", () => {
    for (const stack of both) {
      const config = mimirConfig(stack);
      expect(config.multitenancy_enabled).to.equal(true);
      expect(config.tenant_federation).to.deep.equal({ enabled: true });
      expect(config.ruler.tenant_federation).to.deep.equal({ enabled: true });
      const nginx: string = find(stack, "ConfigMap", "mimir-gateway-nginx")["data"]["nginx.conf"];
      expect(nginx).to.match(/return 401/);
      expect(nginx).not.to.include("anonymous");
    }
  });

  it("R3.4: 365 days, compaction every 2 hours, three copies in prod and one in dev", () => {
    for (const stack of both) {
      const { limits, compactor } = mimirConfig(stack);
      expect(limits.compactor_blocks_retention_period).to.equal("8760h");
      expect(compactor).to.deep.include({ compaction_interval: "2h", block_ranges: ["2h", "12h", "24h"] });
    }
    const copies = ({ ingester, store_gateway, alertmanager }: ReturnType<typeof mimirConfig>) => [
      ingester.ring.replication_factor,
      store_gateway.sharding_ring.replication_factor,
      alertmanager.sharding_ring.replication_factor,
    ];
    expect(copies(mimirConfig(prod))).to.deep.equal([3, 2, 3]);
    expect(copies(mimirConfig(dev))).to.deep.equal([1, 1, 1]);
  });

  it("R3.4: one of the replicas of one Prometheus is accepted, identified by the labels that Prometheus sends", () => {
    for (const stack of both) {
      const { limits, distributor } = mimirConfig(stack);
      expect(distributor.ha_tracker).to.deep.include({ enable_ha_tracker: true });
      expect(limits.accept_ha_samples).to.equal(true);
      const { spec } = find(stack, "Prometheus", "kps-prometheus");
      expect(Object.keys(spec.externalLabels)).to.include(limits.ha_cluster_label);
      expect(spec.replicaExternalLabelName).to.equal(limits.ha_replica_label);
    }
  });

  it("R3.5: a million series and 100,000 samples per second for each tenant", () => {
    for (const stack of both) {
      expect(mimirConfig(stack).limits).to.include({
        max_global_series_per_user: 1_000_000,
        ingestion_rate: 100_000,
        ingestion_burst_size: 100_000,
      });
      // Tenants with overrides: Prometheus, with a shorter retention, and those of the rollups.
      const { overrides } = fileIn(stack, "mimir-runtime", "runtime.yaml");
      expect(overrides).to.have.all.keys("prometheus", "rollup-5m", "rollup-1h");
    }
  });

  it("R3.6: 2 CPU and 4Gi for an ingester, 1 CPU and 2Gi for a querier", () => {
    for (const [name, [cpu, memory]] of Object.entries(asked.mimirResources)) {
      const { resources } = only<Container>(workload(prod, name).object["spec"].template.spec.containers);
      expect(resources, name).to.deep.equal({ requests: { cpu, memory }, limits: { memory } });
    }
  });

  it("Alertmanager reads the file of its Secret, and restarts when that changes", async () => {
    const annotation = ({ objects }: RenderedStack) =>
      only(
        objects.filter(
          ({ object }) => object.kind === "StatefulSet" && object.metadata.name === "mimir-alertmanager",
        ),
      ).object["spec"].template.metadata.annotations["checksum/alerting"];
    for (const stack of both) {
      const { spec } = find(stack, "StatefulSet", "mimir-alertmanager").spec.template;
      const { secret, name } = only<{ name: string; secret?: { secretName: string } }>(
        spec.volumes.filter((v: { secret?: object }) => v.secret),
      );
      const [secretObject] = ofKind(stack, "Secret").filter(
        ({ metadata }) => metadata.name === secret?.secretName && metadata.namespace === namespaces.mimir,
      );
      const [file = ""] = Object.keys(secretObject?.["stringData"]);
      const { volumeMounts = [] } = only<Container>(spec.containers);
      const mount = only(volumeMounts.filter((one) => one.name === name));
      expect(mount.readOnly).to.equal(true);
      expect(mimirConfig(stack).alertmanager.fallback_config_file).to.equal(`${mount.mountPath}/${file}`);
    }
    const told = (url: string) =>
      renderStack({ environment: "dev", alerting: { receivers: { oncall: { webhookUrl: url } } } });
    const sums = [dev, await told("https://a.example"), await told("https://b.example")].map(annotation);
    expect(new Set(sums).size).to.equal(3);
  });
});
