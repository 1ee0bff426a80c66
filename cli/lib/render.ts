/** `obs render`: the objects of a stack as files, without an engine or a cluster. */
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import pLimit from "p-limit";
import { parseAllDocuments, stringify } from "yaml";
import type { Json } from "./objects";
import { type Recorded, record } from "./record";
import { fileConfig } from "./stack-config";

/** Runs a program. @throws as failureOf says */
export const run = promisify(execFile);

/** Runs Helm, once for each core at the same time. */
const atOnce = pLimit(availableParallelism());

/** A registered release. */
export interface ReleaseInputs {
  name: string;
  namespace: string;
  chart: string;
  version?: string;
  repositoryOpts?: { repo?: string };
  values: Record<string, unknown>;
}

const isRelease = ({ type }: Recorded): boolean => type === "kubernetes:helm.sh/v3:Release";

export const releasesOf = (recorded: Recorded[]): ReleaseInputs[] =>
  recorded.filter(isRelease).map(({ inputs }) => inputs as unknown as ReleaseInputs);

/** The program's own Kubernetes objects, in the order of their registration. */
export const objectsOf = (recorded: Recorded[]): Record<string, unknown>[] =>
  recorded
    .filter((r) => r.type.startsWith("kubernetes:") && !isRelease(r))
    .map(({ type, inputs }) => {
      const [, group = "", kind = ""] = /^kubernetes:([^:]+):(\w+)$/.exec(type) ?? [];
      const apiVersion = group.replace(/^core\//, "");
      return { apiVersion, kind, ...inputs };
    });

export const minioResourcesOf = (recorded: Recorded[]) =>
  recorded
    .filter(({ type }) => type.startsWith("minio:"))
    .map(({ type, name, inputs }) => ({ type: type.split(":").at(-1), name, ...inputs }));

/** A Kubernetes object of any kind. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; [field: string]: unknown };
  [field: string]: Json;
}

/** The manifests of a release. @param more arguments for `helm template` @throws as failureOf says */
export async function helmTemplate(release: ReleaseInputs, ...more: string[]): Promise<string> {
  const source = [
    ...(release.version ? ["--version", release.version] : []),
    ...(release.repositoryOpts?.repo ? ["--repo", release.repositoryOpts.repo] : []),
  ];
  const namespace = ["--namespace", release.namespace, "--kube-version", "1.34.0", "--values", "-"];
  const args = ["template", release.name, release.chart, "--skip-tests", ...source, ...namespace, ...more];
  const { stdout } = await atOnce(() => {
    const helm = run("helm", args, { maxBuffer: 64 * 1024 ** 2 });
    // Helm may fail before it reads the values; its own message is the reason.
    helm.child.stdin?.on("error", () => undefined).end(toYaml([release.values]));
    return helm;
  });
  return stdout;
}

/** The objects of a text with manifests. @param name for the error @throws if a manifest is not valid YAML */
export const manifestObjects = (name: string, text: string): KubernetesObject[] =>
  // Kubernetes reads YAML 1.1, where 0644 is octal.
  parseAllDocuments(text, { version: "1.1" })
    .map((document) => {
      const [error] = document.errors;
      if (error) throw new Error(`${name}: ${error.message}`);
      return document.toJS() as KubernetesObject | null;
    })
    .filter((object) => object !== null);

/** The objects of a release. @param more arguments for `helm template` @throws as helmTemplate and manifestObjects do */
export const releaseObjects = async (
  release: ReleaseInputs,
  ...more: string[]
): Promise<KubernetesObject[]> => manifestObjects(release.name, await helmTemplate(release, ...more));

/** Why Helm, or another program, failed. */
export function failureOf(error: unknown): string {
  const { code, path, stderr, message } = error as Error & { code?: string; path?: string; stderr?: string };
  return code === "ENOENT" && path ? `${path} is not on PATH` : (stderr || message).trim();
}

/** YAML documents for Helm, which reads YAML 1.1: a bare `on` is a boolean. */
export const toYaml = (documents: unknown[]): string =>
  documents
    .map((document) => stringify(document, { aliasDuplicateObjects: false, version: "1.1" }))
    .join("---\n");

/** Writes a stack to a folder: `objects.yaml`, `minio.yaml`, and `values.yaml` and `manifests.yaml` of each release. */
export async function render(stack: string, out: string) {
  const recorded = await record(stack, fileConfig(stack));
  const write = (path: string, text: string): string => {
    const file = join(out, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  rmSync(join(out, "releases"), { recursive: true, force: true });
  const own = [
    write("objects.yaml", toYaml(objectsOf(recorded))),
    write("minio.yaml", toYaml(minioResourcesOf(recorded))),
  ];
  const releases = releasesOf(recorded);
  const rendered = await Promise.all(
    releases.map(async (release) => {
      const folder = join("releases", release.name);
      const values = write(join(folder, "values.yaml"), toYaml([release.values]));
      try {
        const manifests = write(join(folder, "manifests.yaml"), await helmTemplate(release));
        return { files: [values, manifests], skipped: [] };
      } catch (error) {
        return { files: [values], skipped: [`${release.name}: no manifests.yaml: ${failureOf(error)}`] };
      }
    }),
  );
  return {
    releases,
    files: [...own, ...rendered.flatMap(({ files }) => files)],
    /** A line for each release whose manifests could not be rendered, with the reason. */
    skipped: rendered.flatMap(({ skipped }) => skipped),
  };
}
