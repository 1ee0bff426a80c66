import type { V1PersistentVolumeClaim, V1StatefulSet } from "@kubernetes/client-node";
import { expect } from "chai";
import { planLines, planOf } from "../../cli/commands/upgrade/volumes";
import { type LiveVolumes, recreatedClaims, volumeProblems } from "../../components/preflight/checks/volumes";
import { quantity } from "../../settings/units";
import { ownsClaim, type WorkloadVolumes, workloadVolumes } from "../../values/volumes";
import { type Config, settingsOf } from "../support/stacks";

const claim = (
  namespace: string,
  name: string,
  storage: string,
  storageClassName = "standard",
): V1PersistentVolumeClaim => ({
  metadata: { namespace, name },
  spec: { storageClassName, resources: { requests: { storage } } },
});

/** The objects of a cluster that runs a stack with these settings, with one volume of each workload. */
const installed = (config: Config = {}, storageClassName?: string): LiveVolumes => {
  const all = workloadVolumes(settingsOf("dev", config));
  const sets = all.filter(({ owner }) => owner !== "release");
  return {
    statefulSets: sets.map(({ namespace, name, template, size }): V1StatefulSet => {
      const storage = quantity(size);
      return {
        metadata: { namespace, name },
        spec: {
          selector: {},
          template: {},
          volumeClaimTemplates: [
            {
              metadata: { name: template ?? "" },
              spec: { ...(storageClassName && { storageClassName }), resources: { requests: { storage } } },
            },
          ],
        },
      };
    }),
    claims: [
      ...all.map(({ namespace, name, template, size }) =>
        claim(namespace, template ? `${template}-${name}-0` : name, quantity(size), storageClassName),
      ),
      claim("minio", "minio-data", "50Gi", storageClassName),
    ],
  };
};

const problems = (live: LiveVolumes, config: Config = {}) =>
  volumeProblems("dev", settingsOf("dev", config), live);
const told = (live: LiveVolumes, config: Config = {}) =>
  problems(live, config).map(({ path, was, allowed }) => `${path} ${was}: ${allowed}`);

/** A config that sets one size, by the setting's path. */
const at = (path: string, value: string): Config => {
  const [first = "", ...rest] = path.split(".");
  return { [first]: rest.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) };
};

describe("unit: volumes that charts make", () => {
  const live = installed();
  const all = workloadVolumes(settingsOf("dev"));

  it("are valid if nothing is installed, or nothing has changed", () => {
    expect(problems({ statefulSets: [], claims: [] })).to.deep.equal([]);
    expect(problems(live)).to.deep.equal([]);
    expect(
      problems(installed({}, "fast"), { cluster: { name: "test", storageClass: "fast" } }),
    ).to.deep.equal([]);
  });

  for (const { path, owner, namespace, name } of all) {
    const grows = owner !== "release";
    it(`${path} ${grows ? "is rejected with the command to grow" : "grows automatically"}`, () => {
      const found = problems(live, at(path, "500Gi"));
      expect(found.map((problem) => problem.path)).to.deep.equal(grows ? [path] : []);
      if (grows) {
        expect(found[0]?.was).to.equal("500Gi");
        expect(found[0]?.allowed)
          .to.include(`${namespace}/${name}`)
          .and.to.include("./obs upgrade --volumes dev");
      }
    });

    it(`${path} ${owner === "operator" ? "may decrease: existing volumes stay larger" : "cannot shrink"}`, () => {
      const found = problems(installed(at(path, "400Gi")), at(path, "300Gi"));
      expect(found.map((problem) => problem.path)).to.deep.equal(owner === "operator" ? [] : [path]);
      if (owner !== "operator") expect(found[0]?.allowed).to.match(/^400Gi or more: .*cannot shrink/);
    });
  }

  it("are reported together", () => {
    const config = { loki: { ingester: { disk: "6Gi" } }, tempo: { ingester: { disk: "1Gi" } } };
    expect(told(live, config)).to.deep.equal([
      "loki.ingester.disk 6Gi: 5Gi, because the volumes of loki/loki-ingester have that size; to grow them, run ./obs upgrade --volumes dev: docs/guides/upgrades.md",
      "tempo.ingester.disk 1Gi: 5Gi or more: the volumes of tempo/tempo-ingester have that size, and a volume cannot shrink",
    ]);
  });

  it("of Prometheus that stayed small are rejected even after the operator has recreated its StatefulSet", () => {
    const config = at("kubePrometheusStack.prometheus.disk", "9Gi");
    const remade = { statefulSets: installed(config).statefulSets, claims: live.claims };
    expect(told(remade, config)[0]).to.match(/^kubePrometheusStack.prometheus.disk 9Gi: 5Gi, because/);
  });

  it("that have grown, and a StatefulSet that is missing or new, are valid", () => {
    const config = at("loki.ingester.disk", "9Gi");
    const { statefulSets, claims } = installed(config);
    expect(problems({ statefulSets: live.statefulSets, claims }, config)).to.have.length(1);
    const without = statefulSets.filter(({ metadata }) => metadata?.name !== "loki-ingester");
    expect(problems({ statefulSets: without, claims }, config)).to.deep.equal([]);
    expect(problems({ statefulSets, claims }, config)).to.deep.equal([]);
  });

  it("keep their class: one problem that names all of them", () => {
    const found = told(installed({}, "slow"), { cluster: { name: "test", storageClass: "fast" } });
    expect(found).to.have.length(1);
    expect(found[0]).to.match(
      /^cluster.storageClass fast: slow: the volumes of loki\/loki-ingester, .* cannot change/,
    );
    for (const who of [
      "mimir/mimir-store-gateway",
      "tempo/tempo-ingester",
      "grafana/grafana",
      "minio/minio-data",
    ])
      expect(found[0]).to.include(who);
    expect(found[0]).not.to.include("prometheus-kps");
    expect(told(installed({}, "slow"))[0]).to.match(
      /^cluster.storageClass undefined: slow: the volumes of loki/,
    );
    // Grafana's and MinIO's PVCs have the cluster's default, which they do not request.
    const none = told(live, { cluster: { name: "test", storageClass: "standard" } });
    expect(none).to.have.length(1);
    expect(none[0]).to.match(/^cluster.storageClass standard: nothing: the volumes of loki/);
  });

  it("of index gateways exist only with replicas", () => {
    const volumes = (replicas: number) =>
      workloadVolumes(settingsOf("prod", { loki: { indexGateway: { replicas } } })).filter(
        ({ name }) => name === "loki-index-gateway",
      );
    expect(volumes(2)).to.deep.equal([
      {
        path: "loki.indexGateway.disk",
        size: 10 * 1024 ** 3,
        namespace: "loki",
        owner: "statefulset",
        name: "loki-index-gateway",
        template: "data",
      },
    ]);
    expect(volumes(0)).to.deep.equal([]);
  });

  it("belong to a workload by their whole name", () => {
    const ingester = all.find(({ path }) => path === "loki.ingester.disk") as WorkloadVolumes;
    expect(ownsClaim(ingester, "data-loki-ingester-0")).to.equal(true);
    expect(ownsClaim(ingester, "data-loki-ingester-12")).to.equal(true);
    for (const other of [
      "data-loki-ingester-zone-a-0",
      "data-loki-ingester-",
      "data-loki-compactor-0",
      "loki-ingester",
    ])
      expect(ownsClaim(ingester, other), other).to.equal(false);
  });
});

describe("unit: volumes that grow", () => {
  const planFor = (live: LiveVolumes, config: Config = {}) =>
    planOf(workloadVolumes(settingsOf("dev", config)), live);

  it("need nothing if all have their size, or are larger", () => {
    expect(planFor(installed())).to.deep.equal({ grow: [], remove: [] });
    const larger = installed(at("loki.ingester.disk", "9Gi"));
    expect(planFor(larger)).to.deep.equal({ grow: [], remove: [] });
  });

  it("grow each, and their StatefulSet is deleted; the operator recreates its own", () => {
    const live = installed();
    live.claims.push(
      claim("loki", "data-loki-ingester-1", "7Gi"),
      claim("loki", "data-loki-ingester-2", "10Gi"),
    );
    const config = {
      ...at("loki.ingester.disk", "9Gi"),
      ...at("kubePrometheusStack.prometheus.disk", "9Gi"),
    };
    const plan = planFor(live, config);
    const prometheus = "prometheus-kps-prometheus-db-prometheus-kps-prometheus-0";
    expect(planLines(plan)).to.deep.equal([
      "volume loki/data-loki-ingester-0: 5Gi to 9Gi",
      "volume loki/data-loki-ingester-1: 7Gi to 9Gi",
      `volume monitoring/${prometheus}: 5Gi to 9Gi`,
      "StatefulSet loki/loki-ingester: deleted without its pods, until up recreates it",
    ]);
    expect(plan.grow[0]?.storageClass).to.equal("standard");
  });

  it("do not include Grafana's, which up can grow", () => {
    expect(planFor(installed(), at("grafana.disk", "9Gi"))).to.deep.equal({ grow: [], remove: [] });
  });

  it("are finished by another run after an interruption", () => {
    const config = at("loki.ingester.disk", "9Gi");
    const half = { statefulSets: installed().statefulSets, claims: installed(config).claims };
    expect(planFor(half, config)).to.deep.equal({
      grow: [],
      remove: [{ namespace: "loki", name: "loki-ingester" }],
    });
  });
});

describe("unit: volumes of MinIO that were recreated", () => {
  const server = (index: number, size: string) => claim("minio", `export-minio-${index}`, size);
  const told = (...claims: V1PersistentVolumeClaim[]) =>
    recreatedClaims("prod", settingsOf("prod"), { statefulSets: [], claims });

  it("are reported, because their StatefulSet gives them another size", () => {
    const [problem, ...others] = told(server(0, "50Gi"), server(1, "1Gi"), server(2, "50Gi"));
    expect(others).to.deep.equal([]);
    expect(problem).to.deep.equal({
      path: "objectStorage.minio.disk",
      was: "50Gi",
      allowed:
        "the size of every volume: minio/export-minio-1 has 1Gi, because it was deleted and its StatefulSet recreated it",
      change: "Run ./obs refresh prod, then ./obs up prod. Its StorageClass needs allowVolumeExpansion",
    });
  });

  it("are not those that up is about to expand", () => {
    expect(told(server(0, "20Gi"), server(1, "20Gi"))).to.deep.equal([]);
    expect(told()).to.deep.equal([]);
  });
});
