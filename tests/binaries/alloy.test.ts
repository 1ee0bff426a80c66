import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { root } from "../../cli/lib/stack-config";
import { tenants } from "../../names";
import { parseSettings } from "../../settings";
import { alloyLogsEnvironment, alloyLogsPipeline } from "../../values/alloy-logs";
import { lokiConfiguration } from "../../values/loki-configuration";
import { expectFormatted, publicPreview, validate } from "../support/alloy";
import { Gateway, needsNginx } from "../support/gateway";
import { Loki } from "../support/loki";
import { containerFolder, envelopes, startCollector } from "../support/pod-logs";
import type { Server } from "../support/servers";
import { needs } from "../support/tools";

const sources = join(root, "values", "alloy", "logs");
const files = readdirSync(sources, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".alloy"),
);
const settings = parseSettings("test", { environment: "dev", cluster: { name: "test" } });

/** tests/cases/logs-formats.test.ts covers the parsing of lines. */
describe("binaries: Alloy's log pipeline", function () {
  this.timeout(120_000);
  let alloy: string;
  let folder: string;

  before(function () {
    [alloy = ""] = needs(this, "alloy");
    folder = mkdtempSync(join(tmpdir(), "observability-alloy-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const checked = (text: string) =>
    validate(alloy, folder, text, { ...alloyLogsEnvironment(settings), HOSTNAME: "node-1" }, publicPreview);

  for (const file of files)
    it(`${file} has the format of Alloy's formatter`, () => {
      expectFormatted(alloy, join(sources, file));
    });

  it("accepts the whole pipeline, and rejects one with a typing error", () => {
    const accepted = checked(alloyLogsPipeline(settings));
    expect(accepted.status, accepted.words).to.equal(0);
    const refused = checked(alloyLogsPipeline(settings).replace("block_on_overflow", "block_on_overfull"));
    expect(refused.status).not.to.equal(0);
    expect(refused.words).to.include("block_on_overfull");
  });

  describe("with Loki, which uses boltdb-shipper as its index", () => {
    const limits = lokiConfiguration(settings)["limits_config"] as Record<string, unknown>;
    let loki: Loki | undefined;
    let gateway: Gateway | undefined;
    let collector: Server | undefined;

    before(async function () {
      const [program = ""] = needs(this, "loki");
      needsNginx(this);
      loki = await Loki.start(program, join(folder, "loki"), { ...limits, discover_log_levels: false });
      const { host } = new URL(loki.url);
      gateway = await Gateway.start(join(folder, "gateway"), { store: "loki", settings, at: () => host });
      const logs = join(folder, "pods");
      const time = new Date(Date.now() - 5000).toISOString();
      writeFileSync(
        join(containerFolder(logs, "shop", "api-0", "api"), "0.log"),
        ["ERROR payment failed", "x".repeat(300_000), "after"]
          .map((line) => envelopes.containerd(line, "stdout", time))
          .join(""),
      );
      collector = await startCollector(alloy, {
        settings,
        storage: join(folder, "alloy"),
        files: logs,
        url: gateway.url,
        passwordFile: gateway.passwordFile(alloyLogsEnvironment(settings)["LOKI_USER"] ?? ""),
      });
    });

    after(async () => {
      await collector?.stop();
      await gateway?.stop();
      await loki?.stop();
    });

    it("stores entries with their labels and nothing else, and marks a truncated line", async () => {
      const query = async () => {
        const parameters = new URLSearchParams({
          query: '{namespace="shop"}',
          start: `${Date.now() - 3_600_000}000000`,
        });
        const headers = { "X-Scope-OrgID": tenants.logs };
        const response = await fetch(`${loki?.url}/loki/api/v1/query_range?${parameters}`, { headers });
        if (!response.ok) throw new Error(await response.text());
        const { data } = (await response.json()) as {
          data: { result: { stream: Record<string, string>; values: [string, string][] }[] };
        };
        return data.result.flatMap(({ stream, values }) =>
          values.map(([, line]) => ({ line, labels: stream })),
        );
      };
      let found = await query();
      for (
        const deadline = Date.now() + 60_000;
        found.length < 3 && Date.now() < deadline;
        found = await query()
      )
        await wait(500);
      const lines = found.map(({ line }) => line);
      expect(lines).to.include.members(["ERROR payment failed", "after"]);
      const long = lines.find((line) => line.startsWith("xxx")) ?? "";
      expect(long).to.have.lengthOf(256 * 1024);
      expect(long.endsWith("x [truncated]")).to.equal(true);
      expect(found.find(({ line }) => line.startsWith("ERROR"))?.labels).to.deep.equal({
        cluster: "test",
        namespace: "shop",
        pod_name: "api-0",
        container_name: "api",
        node_name: "node-1",
        job: "shop/api",
        service_name: "api",
        level: "error",
      });
    });
  });
});
