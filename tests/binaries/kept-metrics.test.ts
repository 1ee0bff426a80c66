/** Metrics that Prometheus drops with the relabeling rules of its operator. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { until } from "../../cli/lib/poll";
import { scrapeClasses } from "../../values/kept-metrics";
import { freePort, Server } from "../support/servers";
import { type Config, settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const settings = (metrics: Config) =>
  settingsOf("dev", { metrics, cluster: { name: "test", systemNamespaces: ["kube-system", "mimir"] } });

/** A job in a namespace, and the page of its target. The last one exports metrics of another namespace. */
const jobs = [
  {
    job: "apiserver",
    namespace: "default",
    page: "apiserver_request_total 1\napiserver_unread 1\napiserver_response_sizes_bucket 1\n",
  },
  { job: "mimir/ingester", namespace: "mimir", page: "cortex_ingester_memory_series 1\ncortex_unread 1\n" },
  { job: "karpenter", namespace: "kube-system", page: "karpenter_nodes_allocatable 1\n" },
  { job: "shop/cart", namespace: "shop", page: "orders_total 1\n" },
  { job: "trivy", namespace: "shop", page: 'trivy_image_vulnerabilities{namespace="kube-system"} 3\n' },
];

describe("binaries: what Prometheus keeps", function () {
  this.timeout(120_000);
  let prometheus: string;
  let folder: string;
  let target: HttpServer;

  before(async function () {
    [prometheus = ""] = needs(this, "prometheus");
    folder = mkdtempSync(join(tmpdir(), "observability-kept-"));
    target = createServer(({ url = "" }, response) => {
      response.setHeader("Content-Type", "text/plain; version=0.0.4");
      response.end(jobs[Number(url.slice(1))]?.page);
    });
    await new Promise<void>((done) => target.listen(0, "127.0.0.1", done));
  });

  after(() => {
    target?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** `job metric` for all series after a scrape. */
  async function scraped(name: string, metrics: Config): Promise<string[]> {
    const [scrapeClass] = scrapeClasses(settings(metrics));
    const rules = ((scrapeClass?.["metricRelabelings"] ?? []) as Record<string, unknown>[]).map(
      ({ sourceLabels, targetLabel, ...rest }) => ({
        ...rest,
        ...(sourceLabels !== undefined && { source_labels: sourceLabels }),
        ...(targetLabel !== undefined && { target_label: targetLabel }),
      }),
    );
    const address = `127.0.0.1:${(target.address() as { port: number }).port}`;
    const config = join(folder, `${name}.yaml`);
    writeFileSync(
      config,
      stringify({
        global: { scrape_interval: "1s", scrape_timeout: "1s" },
        scrape_configs: jobs.map(({ job, namespace }, index) => ({
          job_name: job,
          honor_labels: job === "trivy",
          metrics_path: `/${index}`,
          static_configs: [{ targets: [address], labels: { namespace } }],
          metric_relabel_configs: rules,
        })),
      }),
    );
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const server = await Server.start(
      prometheus,
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, name)}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { ready: async () => (await fetch(`${url}/-/ready`)).ok },
    );
    try {
      return await until(30, "a sample of every job", async () => {
        const query = new URLSearchParams({ query: '{job=~".+",__name__!~"scrape_.*"}' });
        const { data } = (await (await fetch(`${url}/api/v1/query?${query}`)).json()) as {
          data: { result: { metric: Record<string, string> }[] };
        };
        const found = data.result.map(({ metric }) => metric);
        const up = found.filter(({ __name__ }) => __name__ === "up");
        if (up.length < jobs.length) return undefined;
        expect(found.filter((metric) => "__tmp_kept" in metric)).to.deep.equal([]);
        return found.map(({ job, __name__ }) => `${job} ${__name__}`).filter((one) => !one.endsWith(" up"));
      });
    } finally {
      await server.stop();
    }
  }

  const read = [
    "apiserver apiserver_request_total",
    "mimir/ingester cortex_ingester_memory_series",
    "karpenter karpenter_nodes_allocatable",
    "shop/cart orders_total",
    "trivy trivy_image_vulnerabilities",
  ];
  const unread = ["apiserver apiserver_unread", "mimir/ingester cortex_unread"];
  const expensive = "apiserver apiserver_response_sizes_bucket";

  it("is everything except expensive series", async () => {
    expect(await scraped("standard", {})).to.have.members([...read, ...unread]);
  });

  it("is only what the stack uses of components, and everything of others", async () => {
    expect(await scraped("used", { infrastructure: "used" })).to.have.members(read);
  });

  it("can be changed by name", async () => {
    const also = ["apiserver_response.+"];
    expect(await scraped("also", { also, drop: ["orders_.+"] })).to.have.members(
      [...read, ...unread, expensive].filter((one) => one !== "shop/cart orders_total"),
    );
  });

  it("is everything", async () => {
    expect(await scraped("all", { infrastructure: "all" })).to.have.members([...read, ...unread, expensive]);
  });
});
