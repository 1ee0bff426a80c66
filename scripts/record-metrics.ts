/**
 * `npm run record:metrics [stack]`: writes the metrics of a running stack that dashboards and alerts name to
 * tests/recorded/metrics.json, with their labels and without values. Tests use the file to find panels that
 * would be empty because their metric or label does not exist.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { connect } from "../cli/lib/cluster";
import { bodyOf } from "../cli/lib/service";
import { dashboards } from "../dashboards";
import { build } from "../dashboards/kit";
import { datasourceTenants, gatewayUser, type ServicePort, services } from "../names";
import type { Settings } from "../settings";

const file = join("tests", "recorded", "metrics.json");

/** A Prometheus-compatible source of metrics, as in dashboards. */
interface Source {
  service: ServicePort;
  path: string;
  /** User of the gateway, if the source has one. */
  as?: string;
}
const sources = (settings: Settings): Record<string, Source> => ({
  prometheus: { service: services(settings).prometheus, path: "/api/v1" },
  mimir: {
    service: services(settings).mimir,
    path: "/prometheus/api/v1",
    as: gatewayUser(datasourceTenants, "read"),
  },
});

/** Time range of the recording. Older series may belong to another version. */
const hours = 6;

/** All words of dashboards and alerts, which include the names of their metrics. */
function words(): Set<string> {
  const alerts = readdirSync("alerts").map((name) => readFileSync(join("alerts", name), "utf8"));
  const models = Object.values(dashboards).flat().map(build);
  return new Set([JSON.stringify(models), ...alerts].join("\n").match(/[a-zA-Z_:][\w:]*/g));
}

/** `{ metric: labels }` of one source, both sorted. */
async function metricsOf(
  config: KubeConfig,
  { service, path, as }: Source,
  named: Set<string>,
): Promise<Record<string, string[]>> {
  const start = `${Math.floor(Date.now() / 1000) - hours * 3600}`;
  const ask = async (question: string, query: Record<string, string>): Promise<string[]> => {
    const address = `${path}/${question}?${new URLSearchParams({ start, ...query })}`;
    return JSON.parse(await bodyOf(config, service, { path: address, ...(as && { as }) })).data.sort();
  };
  const found: Record<string, string[]> = {};
  for (const metric of await ask("label/__name__/values", {})) {
    if (!named.has(metric)) continue;
    const labels = await ask("labels", { "match[]": `{__name__="${metric}"}` });
    found[metric] = labels.filter((label) => !label.startsWith("__"));
  }
  return found;
}

async function main(): Promise<void> {
  const { config } = await connect(process.argv[2] ?? "dev");
  const named = words();
  const recorded: Record<string, Record<string, string[]>> = {};
  for (const [name, source] of Object.entries(sources)) {
    recorded[name] = await metricsOf(config, source, named);
    console.log(`${name}: ${Object.keys(recorded[name]).length} metrics`);
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(recorded));
  spawnSync(join("node_modules", ".bin", "biome"), ["format", "--write", file], { stdio: "inherit" });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
