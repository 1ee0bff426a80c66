import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect } from "chai";
import { type ChartName, chartMirror, chartSources, pins } from "../../charts";
import { errorOf, settingsOf, withoutMirror } from "../support/stacks";

const names = Object.keys(pins) as ChartName[];

/** Chart sources of a stack with this value of `charts.mirror`. */
const sourcesWith = (mirror?: string) =>
  chartSources("test", settingsOf("dev", { charts: { ...(mirror && { mirror }) } }));

describe("unit: charts", () => {
  let folder: string;
  const mirror = process.env["OBS_CHARTS"];

  /** Puts a chart into the folder, as Helm unpacks or packs it. */
  const folderOf = (name: string, version: string) => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "Chart.yaml"), `apiVersion: v2\nname: ${name}\nversion: ${version}\n`);
  };
  const packageOf = (name: string, version: string) =>
    writeFileSync(join(folder, `${name}-${version}.tgz`), "");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "observability-charts-"));
    delete process.env["OBS_CHARTS"];
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
    if (mirror !== undefined) process.env["OBS_CHARTS"] = mirror;
    else delete process.env["OBS_CHARTS"];
  });

  it("every chart is pinned to one version of an official repository", () => {
    for (const [name, { repository, version, appVersion }] of Object.entries(pins)) {
      expect(repository, name).to.match(/^(https|oci):\/\/[^/]+(\/[^/]+)*$/);
      expect(version, name).to.match(/^\d+\.\d+\.\d+$/);
      expect(appVersion, name).to.match(/^\S+$/);
    }
  });

  it("come from their own repositories, HTTP or OCI", () => {
    const [minio, grafana] = ["https://charts.min.io", "https://grafana.github.io/helm-charts"];
    const openTelemetry = "https://open-telemetry.github.io/opentelemetry-helm-charts";
    const [community, prometheus] = [
      "oci://ghcr.io/grafana-community/helm-charts",
      "oci://ghcr.io/prometheus-community/charts",
    ];
    const at = (repository: string, chart: ChartName) => ({
      chart,
      version: pins[chart].version,
      repository,
    });
    const under = (registry: string, chart: ChartName) => ({
      chart: `${registry}/${chart}`,
      version: pins[chart].version,
    });
    expect(sourcesWith()).to.deep.equal({
      minio: at(minio, "minio"),
      loki: under(community, "loki"),
      alloy: at(grafana, "alloy"),
      "mimir-distributed": at(grafana, "mimir-distributed"),
      "prometheus-operator-crds": under(prometheus, "prometheus-operator-crds"),
      "kube-prometheus-stack": under(prometheus, "kube-prometheus-stack"),
      "tempo-distributed": under(community, "tempo-distributed"),
      "opentelemetry-operator": at(openTelemetry, "opentelemetry-operator"),
      grafana: under(community, "grafana"),
      "metrics-server": at("https://kubernetes-sigs.github.io/metrics-server", "metrics-server"),
      keda: at("https://kedacore.github.io/charts", "keda"),
      "vertical-pod-autoscaler": at("https://kubernetes.github.io/autoscaler", "vertical-pod-autoscaler"),
    });
  });

  it("all come from an HTTP mirror", () => {
    const repository = "https://charts.example.com/mirror";
    expect(sourcesWith(repository)).to.deep.equal(
      Object.fromEntries(
        names.map((name) => [name, { chart: name, version: pins[name].version, repository }]),
      ),
    );
  });

  for (const registry of ["oci://registry.example.com/charts", "oci://registry.example.com/charts/"])
    it(`all come from an OCI mirror, ${registry}`, () => {
      expect(sourcesWith(registry)).to.deep.equal(
        Object.fromEntries(
          names.map((name) => [
            name,
            { chart: `oci://registry.example.com/charts/${name}`, version: pins[name].version },
          ]),
        ),
      );
    });

  it("come from a folder, unpacked or packed, by absolute path and without a version", () => {
    const [packed, ...unpacked] = names;
    if (!packed) throw new Error("there are no charts");
    packageOf(packed, pins[packed].version);
    for (const name of unpacked) folderOf(name, pins[name].version);
    const wanted = Object.fromEntries([
      [packed, { chart: join(folder, `${packed}-${pins[packed].version}.tgz`) }],
      ...unpacked.map((name) => [name, { chart: join(folder, name) }]),
    ]);
    expect(sourcesWith(folder)).to.deep.equal(wanted);
    expect(sourcesWith(relative(process.cwd(), folder))).to.deep.equal(wanted);
  });

  it("reports all charts that a folder lacks or has in another version", () => {
    folderOf("minio", "1.0.0");
    packageOf("loki", "1.0.0");
    for (const name of names.filter((one) => one !== "minio" && one !== "loki"))
      folderOf(name, pins[name].version);
    const { message, problems } = errorOf(() => sourcesWith(folder));
    expect(problems).to.deep.equal([
      {
        path: "charts.mirror",
        was: folder,
        allowed: `a folder that holds minio ${pins.minio.version}: minio/ is version 1.0.0`,
      },
      {
        path: "charts.mirror",
        was: folder,
        allowed: `a folder that holds loki ${pins.loki.version}: neither loki/ nor loki-${pins.loki.version}.tgz is there`,
      },
    ]);
    expect(message).to.match(/^2 invalid settings; no changes were made\./);
  });

  it("ignores another version if the pinned package exists", () => {
    folderOf("minio", "1.0.0");
    for (const name of names) packageOf(name, pins[name].version);
    expect(sourcesWith(folder).minio).to.deep.equal({
      chart: join(folder, `minio-${pins.minio.version}.tgz`),
    });
  });

  it("reports charts of a missing folder, and does not search elsewhere", () => {
    expect(errorOf(() => sourcesWith(join(folder, "nowhere"))).problems).to.have.length(names.length);
  });

  it("come from OBS_CHARTS, which overrides the setting", async () => {
    for (const name of names) packageOf(name, pins[name].version);
    process.env["OBS_CHARTS"] = folder;
    expect(sourcesWith("https://charts.example.com").minio.chart).to.equal(
      join(folder, `minio-${pins.minio.version}.tgz`),
    );
    const settings = settingsOf("dev", { charts: { mirror: "oci://registry.example.com" } });
    expect(chartMirror(settings)).to.equal(folder);
    expect(await withoutMirror(() => chartMirror(settings))).to.equal("oci://registry.example.com");
  });

  it("come from the setting if OBS_CHARTS is empty", () => {
    process.env["OBS_CHARTS"] = "";
    expect(sourcesWith("https://charts.example.com").minio.repository).to.equal("https://charts.example.com");
  });

  it("reports charts that OBS_CHARTS lacks with that name", () => {
    process.env["OBS_CHARTS"] = folder;
    const { problems, message } = errorOf(() => sourcesWith());
    expect(problems.map(({ path }) => path)).to.deep.equal(names.map(() => "OBS_CHARTS"));
    expect(message).to.include("export OBS_CHARTS=");
    expect(message).not.to.include("pulumi config");
  });
});
