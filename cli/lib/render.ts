/** `obs render`: what a stack would install, as files, without an engine or a cluster. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments, stringify } from "yaml";
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

/** A Kubernetes object, as far as every kind looks the same. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; [field: string]: unknown };
  // Objects of many kinds are read deeply; a type for each would say no more than the API server does.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  [field: string]: any;
}

/**
 * The manifests of a release, as Helm renders them.
 *
 * @param valuesFile file with the release's values
 * @param more further arguments for `helm template`
 * @throws with Helm's own message when it is not there, or the chart cannot be had or rendered
 */
export async function helmTemplate(
  release: ReleaseInputs,
  valuesFile: string,
  ...more: string[]
): Promise<string> {
  const source = [
    ...(release.version ? ["--version", release.version] : []),
    ...(release.repositoryOpts?.repo ? ["--repo", release.repositoryOpts.repo] : []),
  ];
  const namespace = ["--namespace", release.namespace, "--kube-version", "1.34.0", "--values", valuesFile];
  const args = ["template", release.name, release.chart, "--skip-tests", ...source, ...namespace];
  return (await run("helm", [...args, ...more], { maxBuffer: 64 * 1024 ** 2 })).stdout;
}

/**
 * The objects of a text with manifests.
 *
 * @param name what it is, for the error
 * @throws where a manifest cannot be read, or says a key twice
 */
export const manifestObjects = (name: string, text: string): KubernetesObject[] =>
  // Kubernetes reads YAML 1.1, where 0644 is octal.
  parseAllDocuments(text, { version: "1.1" })
    .map((document) => {
      const [error] = document.errors;
      if (error) throw new Error(`${name}: ${error.message}`);
      return document.toJS() as KubernetesObject | null;
    })
    .filter((object) => object !== null);

/**
 * The objects of a release, as Helm renders them.
 *
 * @param more further arguments for `helm template`
 * @throws as `helmTemplate` does, and where a manifest cannot be read, or says a key twice
 */
export async function releaseObjects(release: ReleaseInputs, ...more: string[]): Promise<KubernetesObject[]> {
  const folder = mkdtempSync(join(tmpdir(), "observability-values-"));
  try {
    const file = join(folder, "values.yaml");
    writeFileSync(file, toYaml([release.values]));
    return manifestObjects(release.name, await helmTemplate(release, file, ...more));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why Helm did not render, in a line or Helm's own words. */
export function whyNot(error: unknown): string {
  const { code, stderr, message } = error as { code?: string; stderr?: string; message: string };
  return code === "ENOENT" ? "helm is not on PATH" : (stderr || message).trim();
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
      result.skipped.push(`${release.name}: no manifests.yaml: ${whyNot(error)}`);
    }
  }
  return result;
}
