/** From a listener's certificate to an alert: Alloy, Mimir and its ruler. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { until } from "../../cli/lib/poll";
import { root } from "../../cli/lib/stack-config";
import { alloyFile } from "../../values/alloy";
import { alloyMetricsEnvironment, alloyMetricsPipeline } from "../../values/alloy-metrics";
import { experimental, validate } from "../support/alloy";
import { Mimir } from "../support/mimir";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { probes, tlsEndpoint } from "../support/tls-endpoint";
import { needs, skip } from "../support/tools";

const settings = settingsOf("dev", {
  cluster: { name: "test" },
  network: { tls: { certificates: "ownCa" } },
});
const pipeline = alloyFile("metrics/certificates/certificates.alloy");
const exporter = /prometheus\.exporter\.blackbox "certificates" \{[\s\S]*?\n\}\n/;

/** The pipeline with other probes instead of Alloy's, which some builds lack. */
const withoutExporter = (text: string) =>
  text
    .replace(
      exporter,
      `discovery.relabel "probes" {
  targets = encoding.from_json(sys.env("CERTIFICATES"))
  rule {
    source_labels = ["address"]
    target_label = "__param_target"
  }
  rule {
    regex = "address|name|module"
    action = "labeldrop"
  }
  rule {
    target_label = "__address__"
    replacement = sys.env("PROBES")
  }
  rule {
    target_label = "__metrics_path__"
    replacement = "/probe"
  }
}
`,
    )
    .replace("prometheus.exporter.blackbox.certificates.targets", "discovery.relabel.probes.output");

describe("binaries: expiry of certificates", function () {
  this.timeout(180_000);
  let alloy: string;
  let folder: string;
  let hasExporter = false;

  before(function () {
    [alloy = ""] = needs(this, "alloy");
    folder = mkdtempSync(join(tmpdir(), "observability-certificates-"));
    const [alone = ""] = exporter.exec(pipeline) ?? [];
    const { status, words } = validate(alloy, folder, alone, { CERTIFICATES: "[]" });
    hasExporter = status === 0;
    if (!hasExporter) expect(words).to.include("cannot find the definition of component name");
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  it("Alloy accepts the whole pipeline", () => {
    const environment = alloyMetricsEnvironment(settings);
    const whole = alloyMetricsPipeline(settings);
    const accepted = validate(alloy, folder, hasExporter ? whole : withoutExporter(whole), {
      ...environment,
      PROBES: "127.0.0.1:1",
    });
    expect(accepted.status, accepted.words).to.equal(0);
  });

  it("Alloy has the blackbox exporter", function () {
    if (!hasExporter) skip(this, "this build of Alloy lacks prometheus.exporter.blackbox");
  });

  describe("of listeners", () => {
    const closing: { close(): unknown }[] = [];
    let mimir: Mimir;
    let collector: Server;
    const addresses: Record<string, string> = {};

    before(async function () {
      const [program = ""] = needs(this, "mimir");
      const endpoint = async (name: string, days: number) => {
        const { server, address } = await tlsEndpoint(days);
        closing.push(server);
        addresses[name] = address;
      };
      await endpoint("new", 300);
      await endpoint("soon", 10);
      await endpoint("now", 2);
      await endpoint("over", -1);
      const stand = await probes();
      closing.push(stand.server);
      mimir = await Mimir.start(program, join(folder, "mimir"), settings, ["-ruler.poll-interval=2s"]);
      const { groups } = parse(readFileSync(join(root, "alerts", "certificates.yaml"), "utf8"));
      for (const group of groups) {
        group.interval = "1s";
        for (const rule of group.rules) rule.for = "1s";
        const { status } = await mimir.ask("nodes", "/prometheus/config/v1/rules/test", {
          method: "POST",
          headers: { "Content-Type": "application/yaml" },
          body: stringify(group, { aliasDuplicateObjects: false }),
        });
        expect(status).to.equal(202);
      }
      const file = join(folder, "certificates.alloy");
      // The tenant's component is that of the whole pipeline; here it has no other targets.
      writeFileSync(
        file,
        `${hasExporter ? pipeline : withoutExporter(pipeline)}
declare "tenant" {
  prometheus.remote_write "mimir" {
    endpoint {
      url = sys.env("MIMIR_URL") + "/api/v1/push"
      headers = {"X-Scope-OrgID" = "nodes"}
    }
  }
  export "receiver" {
    value = prometheus.remote_write.mimir.receiver
  }
}
tenant "nodes" {}
`,
      );
      const port = await freePort();
      collector = await Server.start(
        alloy,
        [
          ...["run", file, experimental, "--disable-reporting", `--storage.path=${join(folder, "alloy")}`],
          `--server.http.listen-addr=127.0.0.1:${port}`,
        ],
        {
          environment: {
            MIMIR_URL: mimir.url,
            PROBES: stand.address,
            SCRAPE_INTERVAL: "1s",
            SCRAPE_TIMEOUT: "1s",
            CERTIFICATES: JSON.stringify(
              Object.entries(addresses).map(([namespace, address]) => ({
                name: address,
                address,
                module: "tls",
                namespace,
              })),
            ),
          },
          ready: async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok,
        },
      );
    });

    after(async () => {
      await collector?.stop();
      await mimir?.stop();
      for (const server of closing) server.close();
    });

    it("is a series for each, with its endpoint and namespace, even after the expiry", async () => {
      const days = await until(60, "the series", async () => {
        const found = await mimir.query(
          "nodes",
          'probe_ssl_earliest_cert_expiry{job="certificates"} - time()',
        );
        return found.length === 4 ? found : undefined;
      });
      expect(
        days.map(({ labels, value }) => [labels["namespace"], labels["instance"], Math.round(value / 86400)]),
      ).to.have.deep.members([
        ["new", addresses["new"], 300],
        ["soon", addresses["soon"], 10],
        ["now", addresses["now"], 2],
        ["over", addresses["over"], -1],
      ]);
    });

    it("alerts 21 days before, and pages 3 days before", async () => {
      const firing = async () =>
        (await mimir.query("nodes", 'ALERTS{alertname="CertificateExpiresSoon", alertstate="firing"}')).map(
          ({ labels }) => `${labels["namespace"]} ${labels["severity"]}`,
        );
      const found = await until(120, "the alerts", async () => {
        const now = await firing();
        return now.length >= 5 ? now : undefined;
      });
      expect(found).to.have.members([
        "soon warning",
        ...["now warning", "now critical"],
        ...["over warning", "over critical"],
      ]);
    });
  });
});
