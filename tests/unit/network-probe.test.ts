/** The pod that tests NetworkPolicies: its connections, its manifest, and the meaning of its results. */
import { spawn, spawnSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { judgeEnforcement } from "../../cli/commands/doctor/checks/enforcement";
import { judgeProbe, probeManifest } from "../../cli/lib/network-probe";
import { networkPolicies } from "../../values/network-policies";
import { allows } from "../support/network";
import { settingsOf } from "../support/stacks";

const allowed = { pod: "loki/loki-gateway-a", address: "10.1.0.1", port: 8080 };
const refused = { pod: "loki/loki-query-frontend-a", address: "10.1.0.2", port: 3100 };
const judged = (log: string) => judgeProbe(log).enforced;

describe("unit: the probe of NetworkPolicies", () => {
  it("tests connections that the policies of the stack allow, and ones that they deny", () => {
    const { metadata } = probeManifest(settingsOf("prod"), allowed, refused);
    const network = { policies: networkPolicies(settingsOf("prod")), namespaces: {} };
    const own = { namespace: metadata?.namespace ?? "", labels: metadata?.labels ?? {}, address: "10.1.0.3" };
    const to = (component: string, { address }: { address: string }) => ({
      namespace: "loki",
      labels: { "app.kubernetes.io/component": component },
      address,
    });
    expect(allows(network, own, to("gateway", allowed), allowed.port)).to.equal(true);
    expect(allows(network, own, to("query-frontend", refused), refused.port)).to.equal(false);
  });

  it("is restricted, without a token, and exits by itself", () => {
    const { spec } = probeManifest(settingsOf("prod"), allowed, refused);
    expect(spec).to.deep.include({
      automountServiceAccountToken: false,
      restartPolicy: "Never",
      activeDeadlineSeconds: 60,
    });
    expect(spec?.securityContext?.runAsNonRoot).to.equal(true);
    expect(spec?.containers[0]?.securityContext).to.deep.include({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("distinguishes enforced, not enforced and unknown", () => {
    const yes = "allowed: HTTP/1.1 401 Unauthorized";
    expect(judged(`${yes}\nrefused: nc: timed out`)).to.equal(true);
    expect(judged(`${yes}\nrefused: `)).to.equal(true);
    expect(judged(`${yes}\nrefused: HTTP/1.0 404 Not Found`)).to.equal(false);
    expect(judged("allowed: nc: timed out\nrefused: HTTP/1.0 404 Not Found")).to.equal(false);
    expect(judged("allowed: nc: timed out\nrefused: nc: timed out")).to.equal(undefined);
    expect(judged("sh: nc: not found")).to.equal(undefined);
    expect(judged("")).to.equal(undefined);
  });

  it("shows both answers", () => {
    expect(judgeProbe("allowed: HTTP/1.1 401 Unauthorized\nrefused: nc: timed out").evidence).to.equal(
      "allowed: connected; rejected by policy: nc: timed out",
    );
  });

  it("makes the doctor unhealthy only if policies are not enforced", () => {
    const of = (enforced?: boolean) =>
      judgeEnforcement({ enforced, evidence: "seen" }).map(({ severity, evidence }) => [severity, evidence]);
    expect(of(true)).to.deep.equal([]);
    expect(of()).to.deep.equal([["note", "seen"]]);
    expect(of(false)).to.deep.equal([["warning", "seen"]]);
  });

  describe("its script", function () {
    this.timeout(40_000);
    let server: Server;
    let open = "";
    const closed = "127.0.0.1 1";

    before(async function () {
      if (spawnSync("busybox", ["nc", "--help"]).status === null) this.skip();
      server = createServer((_, response) => response.writeHead(401).end());
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      open = `127.0.0.1 ${(server.address() as AddressInfo).port}`;
    });
    after(() => server?.close());

    const run = async (ALLOWED: string, REFUSED: string): Promise<string> => {
      const [script = ""] =
        probeManifest(settingsOf("prod"), allowed, refused).spec?.containers[0]?.command?.slice(2) ?? [];
      const shell = 'nc() { busybox nc "$@"; }\nsleep() { :; }\n';
      const child = spawn("busybox", ["sh", "-c", shell + script], {
        env: { PATH: process.env["PATH"], ALLOWED, REFUSED },
      });
      let log = "";
      child.stdout.on("data", (part: Buffer) => {
        log += part.toString();
      });
      await new Promise((done) => child.once("close", done));
      return log;
    };

    it("writes output that the verdict can parse", async () => {
      const [enforced, everything, unknown] = await Promise.all([
        run(open, closed),
        run(open, open),
        run(closed, closed),
      ]);
      expect(judged(enforced ?? ""), enforced).to.equal(true);
      expect(judged(everything ?? ""), everything).to.equal(false);
      expect(judged(unknown ?? ""), unknown).to.equal(undefined);
    });
  });
});
