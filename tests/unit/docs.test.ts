import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import {
  alertmanagerSecret,
  backupJobs,
  backups,
  certificates,
  consumers,
  defaultNamespaces,
  gatewayAccess,
  grafana,
  minio,
  s3Secret,
} from "../../names";
import { pages as settingsPages } from "../../scripts/settings-document";
import { described, settingAt } from "../../settings/describe";
import { anchors, isThere, links, type Page, page, pages, reachable } from "../support/docs";
import { namespaces } from "../support/names";
import { obsOptions } from "../support/obs";

const root = join(__dirname, "..", "..");
const text = (path: string) => readFileSync(join(root, path), "utf8");
const all = pages();
const where = (of: (page: Page) => string[]) =>
  all.flatMap((one) => of(one).map((wrong) => `${one.path}: ${wrong}`));

/** Pages that tests create. */
const examples = new Set(["docs/a.md", "docs/b.md", "docs/x.md"]);

/** Components of Alloy, some of which look like a setting: `loki.write`. */
const alloy = new Set(
  readdirSync(join(root, "values", "alloy"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".alloy"))
    .flatMap((file) => [...text(join("values", "alloy", file)).matchAll(/^\s*([a-z_]+(?:\.[a-z_0-9]+)+) /gm)])
    .map(([, component = ""]) => component),
);

const tops = [...described.children.keys()];

/** The setting that a text in backticks names; undefined if it does not look like one. */
function settingIn(code: string): string | undefined {
  const path = code.replace(/^observability:/, "").replace(/:? .*$/, "");
  const [top = ""] = path.split(".");
  if (!tops.includes(top) || !/^\w+(\.(\w+|<\w+>)|\[\d*\])+$/.test(path)) return undefined;
  return /\.(json|md|ts|yaml|com|ini|io|local)$/.test(path) || alloy.has(path) ? undefined : path;
}

/** The path that a `pulumi config set --path` in a line sets; a key in brackets and quotes matches any. */
function configPath(line: string): string | undefined {
  const [, call = ""] = /pulumi config set\b([^#]*)/.exec(line) ?? [];
  if (!/--path\b/.test(call)) return undefined;
  const [path] = call
    .replaceAll(/--stack \S+|--path|--secret|--(?= )/g, "")
    .replaceAll(/\["[^"]*"\]/g, ".any")
    .replaceAll(/['"]/g, "")
    .trim()
    .split(/\s+/);
  return path?.startsWith("<") ? undefined : path;
}

const commands = obsOptions();

/** Errors in the calls of `./obs` in a line. */
const wrongCalls = (line: string): string[] =>
  [...line.matchAll(/\.\/obs ([a-z]+)([^|;&#()]*)/g)].flatMap(([call, name = "", rest = ""]) => {
    const options = commands.get(name);
    if (!options) return [`${call}: no such command`];
    const [ours = ""] = rest.split(/ -- /);
    return [...ours.matchAll(/(?<=\s)--?[a-z][a-z-]*/g)]
      .map(([option]) => option)
      .filter((option) => option !== "--help" && !options.has(option))
      .map((option) => `${call}: no such option ${option}`);
  });

describe("unit: documentation", () => {
  it("has commands that work with any namespaces.prefix", () => {
    const names = Object.values(defaultNamespaces).join("|");
    const fixed = new RegExp(`(?:-n |namespaces/)(?:${names})(?![\\w-])`, "g");
    // README introduces the dev stack of this repository; doctor.md shows output of the doctor.
    const sources = all
      .filter(({ path }) => !["README.md", "docs/operations/doctor.md"].includes(path))
      .map(({ path }) => path);
    const wrong = [...sources, "examples/random-backend/README.md"].flatMap((path) => {
      const markdown = text(path);
      const unexplained = markdown.includes("${PREFIX}") && !markdown.includes("`PREFIX=b-`");
      return [
        ...[...markdown.matchAll(fixed)].map(([found]) => `${path}: ${found}`),
        ...(unexplained ? [`${path}: does not say what PREFIX is`] : []),
      ];
    });
    expect(wrong).to.deep.equal([]);
  });

  it("runs Grafana's CLI with Grafana's configuration, here and in the code", () => {
    const calls = execFileSync("git", ["grep", "-h", "grafana cli ", "--", "docs", "cli"], {
      cwd: root,
      encoding: "utf8",
    });
    const lines = calls.trim().split("\n");
    expect(lines.length).to.be.greaterThan(1);
    // Without it, the CLI changes a new SQLite file although the database is PostgreSQL.
    for (const line of lines) expect(line).to.include(" --config /etc/grafana/grafana.ini ");
  });

  it("has links to existing files and headings", () => {
    const wrong = all.flatMap(links).filter(({ to, anchor }) => {
      const target = all.find(({ path }) => path === to);
      return !isThere(to) || (anchor !== "" && target !== undefined && !anchors(target).includes(anchor));
    });
    expect(wrong).to.deep.equal([]);
    expect(all.flatMap(links).filter(({ anchor }) => anchor).length).to.be.greaterThan(20);
  });

  it("parses headings and links as GitHub does", () => {
    const one = page(
      "docs/a.md",
      "# Why `a.b`, and *not* C?\n\n## X\n## X\n[b](b.md#x) `[c](c.md)`\n```\n# no\n```\n",
    );
    expect(anchors(one)).to.deep.equal(["why-ab-and-not-c", "x", "x-1"]);
    expect(links(one)).to.deep.equal([{ from: "docs/a.md", to: "docs/b.md", anchor: "x" }]);
    expect(one.fenced).to.deep.equal(["# no"]);
  });

  it("is reachable from the README and from the index", () => {
    for (const start of ["README.md", "docs/README.md"]) {
      const reached = reachable(start, all);
      expect(
        all.map(({ path }) => path).filter((path) => !reached.has(path)),
        start,
      ).to.deep.equal([]);
    }
  });

  it("has every page and folder that code, rules and examples name", () => {
    const files = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" })
      .split("\n")
      .filter((file) => /\.(ts|cjs|ya?ml|md|sh|alloy|json5?)$/.test(file) && isThere(file));
    const named = files.flatMap((file) =>
      [...text(file).matchAll(/(?<![\w/.:])docs\/[\w/-]*(?:\\*\.\w+)*/g)].map(([path]) => ({
        file,
        path: path.replaceAll("\\", ""),
      })),
    );
    expect(named.length).to.be.greaterThan(200);
    expect(named.filter(({ path }) => !isThere(path) && !examples.has(path))).to.deep.equal([]);
  });

  it("names only existing settings", () => {
    const named = all.flatMap(({ inline }) => inline.flatMap((code) => settingIn(code) ?? []));
    expect(named.length).to.be.greaterThan(300);
    expect(
      where(({ inline }) =>
        inline.flatMap((code) => settingIn(code) ?? []).filter((path) => !settingAt(path)),
      ),
    ).to.deep.equal([]);
    expect(
      where(({ inline, fenced }) =>
        [...inline, ...fenced].flatMap((line) => configPath(line) ?? []).filter((path) => !settingAt(path)),
      ),
    ).to.deep.equal([]);
  });

  it("recognizes an invalid setting, and texts that are not settings", () => {
    expect(settingIn("loki.querier.replicas")).to.equal("loki.querier.replicas");
    expect(settingIn("loki.querier.replica") && settingAt("loki.querier.replica")).to.equal(undefined);
    expect(settingIn("mimir.tenants.<name>.retention")).to.equal("mimir.tenants.<name>.retention");
    for (const other of ["loki.write", "charts.json", "kubectl get", "trace_id"])
      expect(settingIn(other), other).to.equal(undefined);
    expect(configPath("pulumi config set --stack prod --secret --path 'access.x[0]' 1 # c")).to.equal(
      "access.x[0]",
    );
    expect(configPath(`or: pulumi config set --path 'grafana.x["a.b/c"]' d`)).to.equal("grafana.x.any");
  });

  it("calls only existing commands and options of obs", () => {
    expect(commands.size).to.be.greaterThan(14);
    expect([...(commands.get("backup") ?? [])]).to.include.members(["--only"]);
    expect(wrongCalls("./obs size prod --serie 1M | x --no")).to.deep.equal([
      "./obs size prod --serie 1M : no such option --serie",
    ]);
    expect(wrongCalls("./obs fly")).to.deep.equal(["./obs fly: no such command"]);
    expect(wrongCalls("./obs up prod -- --refresh")).to.deep.equal([]);
    expect(where(({ inline, fenced }) => [...inline, ...fenced].flatMap(wrongCalls))).to.deep.equal([]);
  });

  it("links from each section of settings to the page about it", () => {
    expect(
      tops.filter((top) => !isThere(join("docs", "reference", settingsPages[top] ?? "no page"))),
    ).to.deep.equal([]);
  });

  it("lists every Secret and every output in docs/reference/credentials.md", () => {
    const told = text("docs/reference/credentials.md");
    const secrets = [
      minio.rootSecret,
      minio.encryptionSecret,
      minio.coldTier,
      backups.destinationSecret,
      gatewayAccess.usersSecret,
      gatewayAccess.credentialsSecret,
      grafana.adminSecret,
      grafana.secret,
      alertmanagerSecret,
      ...Object.values(certificates).map(({ secret }) => secret),
    ];
    expect(secrets.filter((secret) => !told.includes(secret))).to.deep.equal([]);
    // They are documented as one.
    expect([...consumers, ...backupJobs].map(s3Secret)).to.deep.equal([
      "loki-s3",
      "mimir-s3",
      "tempo-s3",
      "backup-s3",
      "restore-s3",
    ]);
    expect(told).to.include("`<user>-s3`");
    const [, returned = ""] = /return \{\n([\s\S]*?)\n {4}\};/.exec(text("index.ts")) ?? [];
    const outputs = [...returned.matchAll(/^ {6}(\w+)/gm)].map(([, output = ""]) => output);
    expect(outputs.length).to.be.greaterThan(20);
    expect(outputs.filter((output) => !told.includes(`\`${output}\``))).to.deep.equal([]);
  });

  it("lists only existing messages in docs/operations/troubleshooting.md", () => {
    // Messages of Pulumi, Helm and the API server.
    const others = [
      "the stack is currently locked by",
      "is being updated by",
      "another operation (install/upgrade/rollback) is in progress",
      "cannot re-use a name that is still in use",
      "updates to statefulset spec for fields other than",
      "exists and cannot be imported",
      "incorrect passphrase",
    ];
    const sources = execFileSync("git", ["ls-files", "*.ts", ":!tests"], { cwd: root, encoding: "utf8" })
      .split("\n")
      .filter((file) => file && isThere(file))
      .map(text)
      .join("\n");
    const rows = [...text("docs/operations/troubleshooting.md").matchAll(/^\| ([^|]*) \|/gm)];
    const messages = rows.flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)]);
    expect(messages.length).to.be.greaterThan(12);
    // The longest part that does not differ between runs.
    const fixed = messages.map(([, message = ""]) =>
      message
        .split(/\.\.\.\/?|\d+\w?|\bN\b|\bread\b(?= access)|\bminio\b|\(s\)|"/)
        .map((part) => part.trim())
        .reduce((longest, part) => (part.length > longest.length ? part : longest), ""),
    );
    expect(fixed.filter((part) => !others.includes(part) && !sources.includes(part))).to.deep.equal([]);
  });

  it("shows every namespace and bucket in its diagrams", () => {
    const picture = text("docs/pictures/architecture.svg");
    const drawn = [...picture.matchAll(/class="ns"[^>]*>([^<]+)</g)].map(([, name]) => name);
    const { autoscaling, backup, ...others } = namespaces;
    expect(drawn).to.have.members(["all namespaces", ...Object.values(others)]);
    expect(picture).to.include(`${autoscaling} and ${backup}<`);
    for (const bucket of ["loki-data", "mimir-blocks", "mimir-ruler", "mimir-alertmanager", "tempo-data"])
      expect(picture).to.include(`>${bucket}<`);
  });
});
