/** Resource requests of dev and prod, next to those of chart defaults for the same purpose. */
import { chartMirror } from "../../charts";
import { record } from "../../cli/lib/record";
import {
  failureOf,
  type KubernetesObject,
  objectsOf,
  type ReleaseInputs,
  releaseObjects,
  releasesOf,
} from "../../cli/lib/render";
import { fileConfig } from "../../cli/lib/stack-config";
import { readSettings } from "../../settings";
import { coresText, sizeText } from "../../settings/units";
import { type Bench, type Benchmark, type Result, Skipped, type Table } from "../benchmark";
import { chartIn, peers, withDefaults } from "../defaults";
import { nothing, type Placed, type Requested, requested, sumOf } from "../requested";

/** Requests by release; the program's own objects are under `others`. */
type ByRelease = Map<string, Requested>;
const others = "others";

/** @throws Helm's own error if a release cannot be rendered */
async function ofRelease(release: ReleaseInputs): Promise<Placed[]> {
  const objects = await releaseObjects(release).catch((error) => {
    throw new Error(`${release.name}: ${failureOf(error)}`);
  });
  return objects.map((object) => ({ namespace: release.namespace, object }));
}

/** A stack by release: with its own values and objects, or with its charts and their default values only. */
async function ofStack(
  releases: ReleaseInputs[],
  own: KubernetesObject[],
  { stop }: Bench,
): Promise<ByRelease> {
  const placed = own.map((object): Placed => ({ namespace: "default", object }));
  const claims = placed.filter(({ object }) => object.kind === "PersistentVolumeClaim");
  const found: ByRelease = new Map();
  for (const release of releases) {
    stop.throwIfAborted();
    // Objects that the program creates in advance for a release, or to scale it, count as part of it.
    const scalers = placed.filter(({ object }) =>
      /^(HorizontalPodAutoscaler|ScaledObject)$/.test(object.kind),
    );
    const near = [...claims, ...scalers].filter(
      ({ object: { metadata } }) => metadata.namespace === release.namespace,
    );
    found.set(release.name, requested([...(await ofRelease(release)), ...near]));
  }
  const rest = placed.filter(({ object }) => object.kind !== "PersistentVolumeClaim");
  found.set(others, requested(rest));
  return found;
}

const cells = ({ cpu, memory, volumes }: Requested = nothing): string[] => [
  cpu ? coresText(cpu) : "-",
  memory ? sizeText(memory) : "-",
  volumes ? sizeText(volumes) : "-",
];

/** Rows of releases that request anything, the largest default first. */
function releaseTable(columns: [title: string, of: ByRelease][]): Table {
  const names = [...new Set(columns.flatMap(([, of]) => [...of.keys()]))];
  const most = (name: string) => Math.max(...columns.map(([, of]) => of.get(name)?.memory ?? 0));
  const rows = names
    .filter((name) => columns.some(([, of]) => of.get(name)?.pods || of.get(name)?.volumes))
    .sort((a, b) => most(b) - most(a))
    .map((name) => [name, ...columns.flatMap(([, of]) => cells(of.get(name)))]);
  return {
    title: "Requested by release, on one node: cores, memory, volumes",
    head: ["release", ...columns.flatMap(([title]) => [`${title} cores`, "memory", "volumes"])],
    rows,
  };
}

const totalRow = (name: string, one: Requested): string[] => [
  name,
  String(one.pods),
  ...cells(one),
  `${one.unasked} of ${one.containers}`,
];

/** Alternative charts, if they are available. */
async function ofPeers(
  folder: string | undefined,
  tell: Bench["tell"],
): Promise<{ rows: string[][]; notes: string[]; skipped: string[]; of: Record<string, Requested> }> {
  const found = { rows: [] as string[][], notes: [] as string[], skipped: [] as string[] };
  const of: Record<string, Requested> = {};
  for (const { name, does, values } of peers) {
    const chart = folder && chartIn(folder, name);
    if (!chart) {
      found.skipped.push(`${name} is not rendered here: OBS_CHARTS has no chart of that name`);
      continue;
    }
    tell(`  ${name}`);
    try {
      const one = requested(await ofRelease({ name, namespace: name, chart: chart.chart, values }));
      of[name] = one;
      found.rows.push(totalRow(`${name} ${chart.version}`, one));
      found.notes.push(`${name} ${does}.`);
    } catch (error) {
      found.skipped.push(`${name} is not rendered: ${(error as Error).message}`);
    }
  }
  return { ...found, of };
}

async function measure(bench: Bench): Promise<Result> {
  const stacks: Record<string, { releases: ReleaseInputs[]; of: ByRelease }> = {};
  for (const stack of ["dev", "prod"]) {
    bench.tell(`  ${stack}`);
    const recorded = await record(stack, fileConfig(stack));
    const releases = releasesOf(recorded);
    const of = await ofStack(releases, objectsOf(recorded) as KubernetesObject[], bench).catch(
      (error: Error) => {
        if (/helm is not on PATH/.test(error.message)) throw new Skipped("helm is not on PATH");
        throw error;
      },
    );
    stacks[stack] = { releases, of };
  }
  const [dev, prod] = [stacks["dev"], stacks["prod"]];
  if (!dev || !prod) throw new Error("dev and prod were not rendered");
  bench.tell("  the charts' defaults");
  const defaults = await ofStack(prod.releases.map(withDefaults), [], bench);
  const columns: [string, ByRelease][] = [
    ["dev", dev.of],
    ["prod", prod.of],
    ["defaults", defaults],
  ];
  const total = (of: ByRelease) => sumOf([...of.values()]);
  const beside = await ofPeers(chartMirror(readSettings("dev", fileConfig("dev"))), bench.tell);
  return {
    tables: [
      {
        title: "Total requests, on one node",
        head: ["what", "pods", "cores", "memory", "volumes", "containers without a request"],
        rows: [
          totalRow("dev", total(dev.of)),
          totalRow("prod", total(prod.of)),
          totalRow("prod's charts with their defaults", total(defaults)),
          ...beside.rows,
        ],
      },
      releaseTable(columns),
    ],
    notes: beside.notes,
    skipped: beside.skipped,
    measured: {
      ...Object.fromEntries(columns.map(([name, of]) => [name, Object.fromEntries(of)])),
      ...beside.of,
    },
  };
}

export const benchmark: Benchmark = {
  name: "requests",
  what: "requested cores, memory and volumes of dev and prod, next to the defaults of charts; needs the charts",
  measure,
};
