/** A real Alertmanager with the stack's configuration: alerts reach an SMTP server and a webhook. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { until } from "../../cli/lib/poll";
import { integrations } from "../../settings/alerting";
import { alertmanagerConfig } from "../../values/alertmanager";
import { everyIntegration } from "../support/receivers";
import { freePort, Server } from "../support/servers";
import { Smtp } from "../support/smtp";
import { type Config, settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const configOf = (alerting: Config) =>
  stringify(alertmanagerConfig(settingsOf("prod", { alerting: { groupWait: "1s", ...alerting } })));

describe("binaries: Alertmanager with every integration", function () {
  this.timeout(60_000);
  let amtool: string;
  let folder: string;

  before(function () {
    [amtool = ""] = needs(this, "amtool");
    folder = mkdtempSync(join(tmpdir(), "observability-receivers-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const check = (config: string) => {
    const file = join(folder, "alertmanager.yaml");
    writeFileSync(file, config);
    const { status, stdout, stderr } = spawnSync(amtool, ["check-config", file], { encoding: "utf8" });
    return { status, words: `${stdout}${stderr}` };
  };

  it("accepts all of them together", () => {
    const { receivers } = everyIntegration;
    expect(Object.values(receivers).flatMap(Object.keys)).to.have.members(integrations);
    const { status, words } = check(configOf(everyIntegration));
    expect(status, words).to.equal(0);
    expect(words).to.include(`${Object.keys(receivers).length + 2} receivers`);
  });

  it("accepts SNS without keys, and SMTP servers of each kind", () => {
    const { smtp } = everyIntegration;
    const { topicArn } = everyIntegration.receivers.topic.sns;
    const receivers = { topic: { sns: { topicArn } }, mail: { email: ["a@test.dev"] } };
    for (const server of [
      { host: smtp.host, from: smtp.from },
      { host: "smtp.test:25", from: smtp.from, tls: false },
      { ...smtp, host: "smtp.test:465" },
    ]) {
      const { status, words } = check(configOf({ receivers, smtp: server }));
      expect(status, words).to.equal(0);
    }
  });

  it("and refuses an integration that Alertmanager does not have", () => {
    const { status, words } = check(
      configOf(everyIntegration).replace("msteamsv2_configs", "msteamsv3_configs"),
    );
    expect(status).not.to.equal(0);
    expect(words).to.include("msteamsv3_configs");
  });
});

describe("binaries: alerts are delivered", function () {
  this.timeout(60_000);
  interface Notification {
    status: string;
    alerts: { labels: Record<string, string> }[];
  }
  const received: Record<string, Notification[]> = {};
  let smtp: Smtp;
  let hooks: HttpServer;
  let folder: string;
  let alertmanager: Server;
  let url: string;

  before(async function () {
    const [program = ""] = needs(this, "alertmanager");
    folder = mkdtempSync(join(tmpdir(), "observability-alertmanager-"));
    smtp = await Smtp.start("alerts", "pass:word $1");
    hooks = createServer((request, response) => {
      let text = "";
      request.on("data", (part) => {
        text += part;
      });
      request.on("end", () => {
        received[request.url ?? ""] = [...(received[request.url ?? ""] ?? []), JSON.parse(text)];
        response.end();
      });
    });
    await new Promise<void>((done) => hooks.listen(0, "127.0.0.1", done));
    const hook = `http://127.0.0.1:${(hooks.address() as { port: number }).port}`;
    writeFileSync(
      join(folder, "alertmanager.yaml"),
      configOf({
        receivers: { team: { email: ["a@test.dev", "b@test.dev"] }, hook: { webhookUrl: `${hook}/alerts` } },
        smtp: {
          host: `localhost:${smtp.port}`,
          from: "stack@test.dev",
          user: "alerts",
          password: "pass:word $1",
        },
        heartbeat: { url: `${hook}/alive`, interval: "2s" },
      }),
    );
    writeFileSync(join(folder, "ca.crt"), smtp.certificate);
    url = `http://127.0.0.1:${await freePort()}`;
    alertmanager = await Server.start(
      program,
      [
        `--config.file=${join(folder, "alertmanager.yaml")}`,
        `--storage.path=${join(folder, "data")}`,
        `--web.listen-address=${new URL(url).host}`,
        "--cluster.listen-address=",
      ],
      {
        environment: { SSL_CERT_FILE: join(folder, "ca.crt") },
        ready: async () => (await fetch(`${url}/-/ready`)).ok,
      },
    );
  });

  after(async () => {
    await alertmanager?.stop();
    smtp?.stop();
    hooks?.closeAllConnections();
    hooks?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const fire = async (labels: Record<string, string>) => {
    const { status } = await fetch(`${url}/api/v2/alerts`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify([{ labels, annotations: { summary: "The disk is full" } }]),
    });
    expect(status).to.equal(200);
  };

  it("by email, encrypted and authenticated, to every address, and to the webhook", async () => {
    await fire({ alertname: "DiskFull", namespace: "shop", severity: "critical" });
    const mail = await until(30, "the email", async () => smtp.mails[0]);
    expect(mail.from).to.equal("stack@test.dev");
    expect(mail.to).to.deep.equal(["a@test.dev", "b@test.dev"]);
    expect(mail.encrypted).to.equal(true);
    expect(mail.text).to.match(/^Subject: .*DiskFull/m);
    const hooked = await until(30, "the webhook", async () => received["/alerts"]?.[0]);
    expect(hooked.status).to.equal("firing");
    expect(hooked.alerts.map(({ labels }) => labels["alertname"])).to.deep.equal(["DiskFull"]);
  });

  it("Watchdog to the dead man's switch once in each interval, and to no receiver", async () => {
    await fire({ alertname: "Watchdog", severity: "none" });
    const heartbeat = (number: number) =>
      until(30, `heartbeat ${number}`, async () => (received["/alive"] ?? [])[number - 1]);
    await heartbeat(1);
    const first = Date.now();
    await heartbeat(4);
    expect((Date.now() - first) / 1000, "seconds of three intervals of 2 s").to.be.within(4, 9);
    const others = [...(received["/alerts"] ?? [])].flatMap(({ alerts }) =>
      alerts.map(({ labels }) => labels),
    );
    expect(others.map(({ alertname }) => alertname)).not.to.include("Watchdog");
    expect(smtp.mails.some(({ text }) => text.includes("Watchdog"))).to.equal(false);
  });
});
