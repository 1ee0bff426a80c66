/** `obs render`: what a stack would install, as files, without an engine or a cluster. */
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { type Recorded, record } from "./record";
import { fileConfig } from "./stack-config";

const run = promisify(execFile);

/** A release as the program registers it. */
export interface ReleaseInputs {
  name: string;
  namespace: string;
  chart: string;
  version?: string;
  repositoryOpts?: { repo?: string };
  values: Record<string, unknown>;
}

export const isRelease = ({ type }: Recorded): boolean => type === "kubernetes:helm.sh/v3:Release";

/** The releases among what was recorded. */
export const releasesOf = (recorded: Recorded[]): ReleaseInputs[] =>
  recorded.filter(isRelease).map(({ inputs }) => inputs as unknown as ReleaseInputs);

/** The program's own Kubernetes objects, in the order in which they are registered. */
export const objectsOf = (recorded: Recorded[]): Record<string, unknown>[] =>
  recorded
    .filter((r) => r.type.startsWith("kubernetes:") && !isRelease(r))
    .map(({ type, inputs }) => {
      const [, group = "", kind = ""] = /^kubernetes:([^:]+):(\w+)$/.exec(type) ?? [];
      const apiVersion = group.replace(/^core\//, "");
      return { apiVersion, kind, ...inputs };
    });

/** The MinIO resources: type, name and inputs of each. */
export const minioResourcesOf = (recorded: Recorded[]) =>
  recorded
    .filter(({ type }) => type.startsWith("minio:"))
    .map(({ type, name, inputs }) => ({ type: type.split(":").at(-1), name, ...inputs }));

/**
 * The manifests of a release, as Helm renders them.
 *
 * @param valuesFile file with the release's values
 * @throws with Helm's own message when it is not there, or the chart cannot be had or rendered
 */
export async function helmTemplate(release: ReleaseInputs, valuesFile: string): Promise<string> {
  const source = [
    ...(release.version ? ["--version", release.version] : []),
    ...(release.repositoryOpts?.repo ? ["--repo", release.repositoryOpts.repo] : []),
  ];
  const namespace = ["--namespace", release.namespace, "--kube-version", "1.34.0", "--values", valuesFile];
  const args = ["template", release.name, release.chart, "--skip-tests", ...source, ...namespace];
  return (await run("helm", args, { maxBuffer: 64 * 1024 ** 2 })).stdout;
}

/** YAML documents, quoted as Helm's YAML 1.1 needs it: there a bare `on` is a boolean. */
export const toYaml = (documents: unknown[]): string =>
  documents
    .map((document) => stringify(document, { aliasDuplicateObjects: false, version: "1.1" }))
    .join("---\n");

/** What `render` wrote, and what it could not. */
export interface Rendered {
  /** Paths of the files. */
  files: string[];
  /** A line for each release whose manifests could not be rendered, and why. */
  skipped: string[];
}

/**
 * Writes a stack to a folder: `objects.yaml`, `minio.yaml`, and for each release `values.yaml` and, where Helm and
 * the chart are at hand, `manifests.yaml`.
 */
export async function render(stack: string, out: string): Promise<Rendered> {
  const recorded = await record(stack, fileConfig(stack));
  const result: Rendered = { files: [], skipped: [] };
  const write = (path: string, text: string): string => {
    const file = join(out, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    result.files.push(file);
    return file;
  };
  rmSync(join(out, "releases"), { recursive: true, force: true });
  write("objects.yaml", toYaml(objectsOf(recorded)));
  write("minio.yaml", toYaml(minioResourcesOf(recorded)));
  for (const release of releasesOf(recorded)) {
    const folder = join("releases", release.name);
    const valuesFile = write(join(folder, "values.yaml"), toYaml([release.values]));
    try {
      write(join(folder, "manifests.yaml"), await helmTemplate(release, valuesFile));
    } catch (error) {
      const { code, stderr, message } = error as { code?: string; stderr?: string; message: string };
      const reason = code === "ENOENT" ? "helm is not on PATH" : (stderr ?? message).trim();
      result.skipped.push(`${release.name}: no manifests.yaml: ${reason}`);
    }
  }
  return result;
}
