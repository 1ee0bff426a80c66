/** Mutual TLS between agents and a hub's gateways, with the real nginx: accepted client certificates. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { expect } from "chai";
import { Authority, type Pair } from "../support/authority";
import { Backends, Gateway, needsNginx } from "../support/gateway";
import { settingsOf } from "../support/stacks";

const endpoints = {
  loki: "https://127.0.0.1:30443",
  mimir: "https://127.0.0.1:30444",
  tempo: "https://127.0.0.1:30445",
};
const settingsWith = (clientCertificates: boolean) =>
  settingsOf("dev", {
    agents: { "eu-1": {}, "eu-2": {} },
    access: { endpoints, service: { type: "NodePort", clientCertificates } },
  });

interface Answer {
  status: number;
  body: string;
  /** Serial number of the gateway's certificate. */
  serial: string;
}

describe("binaries: a gateway with TLS", function () {
  this.timeout(60_000);
  let folder: string;
  let ca: Authority;
  let stranger: Authority;
  let backends: Backends;
  let gateway: Gateway;
  let certificates: string;

  before(function () {
    needsNginx(this);
    folder = mkdtempSync(join(tmpdir(), "observability-gateway-tls-"));
    certificates = join(folder, "certificates");
    mkdirSync(certificates);
    ca = new Authority(folder, "ca");
    stranger = new Authority(folder, "stranger");
    writeFileSync(join(certificates, "ca.crt"), ca.certificate);
    serveWith(ca.server("one"));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));
  afterEach(async () => {
    await gateway?.stop();
    backends?.stop();
  });

  const serveWith = ({ cert, key }: Pair) => {
    writeFileSync(join(certificates, "tls.crt"), cert);
    writeFileSync(join(certificates, "tls.key"), key);
  };

  const start = async (clientCertificates: boolean) => {
    const settings = settingsWith(clientCertificates);
    backends = await Backends.start("loki", settings);
    const options = { store: "loki" as const, settings, at: backends.at, certificates };
    gateway = await Gateway.start(join(folder, `gateway-${clientCertificates}`), options);
  };

  /** A push of a user, over TLS. */
  const push = (user: string, client?: Pair): Promise<Answer> =>
    new Promise((done, fail) => {
      const sent = request(
        `https://127.0.0.1:${gateway.tlsPort}/loki/api/v1/push`,
        {
          method: "POST",
          agent: false,
          ca: ca.certificate,
          ...client,
          headers: { authorization: gateway.login(user) },
        },
        (response) => {
          const { serialNumber: serial } = (response.socket as TLSSocket).getPeerCertificate();
          let body = "";
          response.setEncoding("utf8").on("data", (part) => {
            body += part;
          });
          response.once("end", () => done({ status: response.statusCode ?? 0, body, serial }));
        },
      );
      sent.once("error", fail).end("{}");
    });

  it("accepts an agent with its password and the certificate that the hub issued to it", async () => {
    await start(true);
    expect((await push("eu-1-write", ca.client("eu-1"))).status).to.equal(200);
    expect(backends.got.map(({ headers }) => headers["x-scope-orgid"])).to.deep.equal(["eu-1"]);
  });

  it("rejects a request without a certificate, with an expired one, with one of another CA, and with a server's", async () => {
    await start(true);
    const clients: Record<string, Pair | undefined> = {
      none: undefined,
      expired: ca.client("eu-1", -1),
      foreign: stranger.client("eu-1"),
      server: ca.server("eu-1"),
    };
    for (const [name, client] of Object.entries(clients)) {
      const { status, body } = await push("eu-1-write", client);
      expect(status, name).to.equal(400);
      expect(body, name).to.match(/No required SSL certificate was sent|The SSL certificate error/);
    }
    expect(backends.got).to.deep.equal([]);
  });

  it("rejects an agent with another agent's password, or the hub's", async () => {
    await start(true);
    for (const user of ["eu-2-write", "eu-1-read", "logs-write", "all.clusters-read"]) {
      const { status, body } = await push(user, ca.client("eu-1"));
      expect(status, user).to.equal(403);
      expect(body).to.include("client certificate is not the one of the user");
    }
    // A certificate of an agent that the hub no longer lists.
    expect((await push("eu-1-write", ca.client("removed"))).status).to.equal(403);
    // A valid certificate does not replace the password.
    expect((await push("nobody", ca.client("eu-1"))).status).to.equal(401);
    expect(backends.got).to.deep.equal([]);
  });

  it("requires no certificate inside the cluster", async () => {
    await start(true);
    const sent = { method: "POST", path: "/loki/api/v1/push" };
    expect((await gateway.ask("logs-write", sent)).status).to.equal(200);
    expect((await gateway.ask("eu-1-write", sent)).status).to.equal(200);
  });

  it("requires only passwords without mutual TLS, and serves a renewed certificate without a restart", async () => {
    await start(false);
    const before = await push("eu-1-write");
    expect(before.status).to.equal(200);
    expect((await push("nobody")).status).to.equal(401);
    serveWith(ca.server("two"));
    const after = await push("eu-1-write", ca.client("eu-1"));
    expect(after.status).to.equal(200);
    expect(after.serial).not.to.equal(before.serial);
  });
});
