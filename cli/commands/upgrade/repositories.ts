/** What chart repositories offer: an HTTP index, an OCI registry's tags, or a folder. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { ChartName } from "../../../charts";
import type { Offers } from "./versions";

/** How long a repository may take to answer, in milliseconds; an index can have several megabytes. */
const answerWithin = 30_000;

/** An answer of HTTP, or an error that says who did not give it and why. */
async function get(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { headers, signal: AbortSignal.timeout(answerWithin) }).catch((error: Error) => {
    const cause = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Error(`${url}: ${cause}`);
  });
}

/** @throws where the status is not 2xx */
async function good(answer: Response): Promise<Response> {
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}`);
  return answer;
}

interface IndexEntry {
  version: string;
  appVersion?: string | number;
}

/**
 * The entries of one chart in an index. A large index takes many seconds to parse, so the chart's part is cut out
 * first, as Helm indents it; an index in another form is read as a whole.
 */
export function entriesOf(chart: string, index: string): IndexEntry[] {
  const lines = index.split("\n");
  const start = lines.findIndex((line) => line.trimEnd() === `  ${chart}:`);
  if (start < 0) return parse(index)?.entries?.[chart] ?? [];
  const length = lines.slice(start + 1).findIndex((line) => /^ {0,2}[^\s-]/.test(line));
  const part = lines.slice(start, length < 0 ? undefined : start + 1 + length).join("\n");
  return parse(part)[chart] ?? [];
}

const fromEntries = (entries: IndexEntry[]): Offers => ({
  versions: entries.map(({ version }) => String(version)),
  app: async (wanted) => {
    const found = entries.find(({ version }) => version === wanted)?.appVersion;
    return found === undefined ? undefined : String(found);
  },
});

/** Registries on this machine speak HTTP, as for Docker and Helm's own tests. */
const schemeOf = (host: string) => (/^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? "http" : "https");

/** Value of a parameter in `Bearer realm="…",service="…"`. */
const parameter = (challenge: string, name: string) =>
  new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? "";

/** A registry, asked as anybody: where it wants a token, the one that it gives to everyone. */
function registry(host: string) {
  let token: string | undefined;
  const ask = (path: string, accept: string) =>
    get(`${schemeOf(host)}://${host}${path}`, {
      accept,
      ...(token && { authorization: `Bearer ${token}` }),
    });
  return async (path: string, accept = "application/json"): Promise<Response> => {
    const answer = await ask(path, accept);
    const challenge = answer.headers.get("www-authenticate") ?? "";
    if (answer.status !== 401 || !/^bearer /i.test(challenge)) return good(answer);
    const url = new URL(parameter(challenge, "realm"));
    for (const name of ["service", "scope"]) url.searchParams.set(name, parameter(challenge, name));
    const given = (await (await good(await get(url.href))).json()) as {
      token?: string;
      access_token?: string;
    };
    token = given.token ?? given.access_token;
    return good(await ask(path, accept));
  };
}

/** Media type of an OCI manifest: https://github.com/opencontainers/image-spec/blob/main/manifest.md */
const manifestType = "application/vnd.oci.image.manifest.v1+json";

async function fromRegistry(chart: ChartName, repository: string): Promise<Offers> {
  const [, host = "", folder = ""] = /^oci:\/\/([^/]+)\/?(.*?)\/?$/.exec(repository) ?? [];
  const name = [folder, chart].filter(Boolean).join("/");
  const ask = registry(host);
  const tags: string[] = [];
  let next: string | undefined = `/v2/${name}/tags/list?n=1000`;
  while (next) {
    const answer: Response = await ask(next);
    tags.push(...(((await answer.json()) as { tags?: string[] | null }).tags ?? []));
    // Pages: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
    const [, link] = /<([^>]+)>;\s*rel="?next/.exec(answer.headers.get("link") ?? "") ?? [];
    const url: URL | undefined = link === undefined ? undefined : new URL(link, answer.url);
    next = url && `${url.pathname}${url.search}`;
  }
  return {
    // Tags cannot have the + of build metadata; Helm writes _ for it.
    versions: tags.map((tag) => tag.replace("_", "+")),
    // Helm puts Chart.yaml, as JSON, where an image has its configuration.
    app: async (version) => {
      const manifest = await ask(`/v2/${name}/manifests/${version.replace("+", "_")}`, manifestType);
      const { config } = (await manifest.json()) as { config?: { digest?: string } };
      if (!config?.digest) return undefined;
      const chartYaml = await ask(`/v2/${name}/blobs/${config.digest}`, "*/*");
      return ((await chartYaml.json()) as { appVersion?: string }).appVersion;
    },
  };
}

/** @throws where there is no such folder */
function fromFolder(chart: ChartName, folder: string): Offers {
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}`);
  const packages = readdirSync(folder).flatMap((file) => {
    const [, name, version = ""] = /^(.*?)-(\d+\.\d+\.\d+.*)\.tgz$/.exec(file) ?? [];
    return name === chart ? [{ version }] : [];
  });
  const manifest = join(folder, chart, "Chart.yaml");
  const unpacked: IndexEntry[] = existsSync(manifest) ? [parse(readFileSync(manifest, "utf8"))] : [];
  const entries = [...unpacked, ...packages];
  if (entries.length === 0) throw new Error(`${folder} holds no ${chart}`);
  return fromEntries(entries);
}

/**
 * A reader of repositories; an index that several charts share is fetched once.
 *
 * @returns a function that gives what a repository (http(s)://, oci:// or a folder) offers of a chart, and throws with
 *   the address and the reason where it cannot be had
 */
export function repositories(): (chart: ChartName, repository: string) => Promise<Offers> {
  const indexes = new Map<string, Promise<string>>();
  return async (chart, repository) => {
    if (repository.startsWith("oci://")) return fromRegistry(chart, repository);
    if (!/^https?:\/\//.test(repository)) return fromFolder(chart, repository);
    const url = `${repository.replace(/\/$/, "")}/index.yaml`;
    const index = indexes.get(url) ?? get(url).then(async (answer) => (await good(answer)).text());
    indexes.set(url, index);
    const entries = entriesOf(chart, await index);
    if (entries.length === 0) throw new Error(`${url} has no ${chart}`);
    return fromEntries(entries);
  };
}
