import type { V1Secret } from "@kubernetes/client-node";
import { expect } from "chai";
import { generate } from "selfsigned";
import { dateFindings, renewal, trustFinding } from "../../cli/commands/doctor/checks/certificates";
import { resolved, resolvedHost, script } from "../../cli/commands/doctor/checks/dns";
import type { Settings } from "../../settings";
import { settingsOf } from "../support/stacks";

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("doctor: the cluster", () => {
  it("understands resolvers", () => {
    expect(resolved("10.96.1.2 loki-gateway.loki.svc.cluster.local")).to.equal("yes");
    expect(resolved("unknown")).to.equal("no");
    expect(resolved("nslookup: can't resolve 'loki-gateway'")).to.equal("no");
    expect(resolved("timed out: no answer within 6 s")).to.equal("no");
    expect(resolved("no tool")).to.equal("no tool");
    expect(script("loki-gateway.loki.svc", "corp.test")).to.include(
      "nslookup loki-gateway.loki.svc.corp.test ",
    );
    expect(resolvedHost(settingsOf("dev"))).to.equal("loki-gateway.loki.svc");
    const agent = { ...settingsOf("dev"), hub: { stack: "organization/observability/prod" } } as Settings;
    expect(resolvedHost(agent)).to.equal("alloy-traces.alloy-traces.svc");
  });

  it("tells certificates by their dates", async () => {
    const { cert } = await generate([{ name: "commonName", value: "a" }], {
      notBeforeDate: new Date("2026-01-01"),
      notAfterDate: new Date("2026-12-31"),
      keySize: 2048,
    });
    const secret: V1Secret = {
      metadata: { namespace: "grafana", name: "grafana-tls" },
      data: { "tls.crt": base64(cert), password: base64("secret") },
    };
    const at = (time: string) => dateFindings(settingsOf("dev"), secret, Date.parse(time));
    expect(at("2026-06-01")).to.deep.equal([]);
    expect(at("2026-12-20")[0]?.severity).to.equal("warning");
    expect(at("2027-01-10")[0]?.what).to.contain(
      "certificate grafana/grafana-tls (tls.crt) expired 10 days ago",
    );
    expect(at("2025-12-01")[0]?.what).to.contain("is not valid before");
    expect(at("2027-01-10")[0]?.fix).to.contain("./obs up");
  });

  it("says who renews a certificate", () => {
    const of = (metadata: V1Secret["metadata"]) => renewal(settingsOf("dev"), { metadata: metadata ?? {} });
    expect(of({ annotations: { "cert-manager.io/certificate-name": "x" } })).to.contain("certificate x");
    // A refresh does not see Secrets of hooks, and without a changed value up does not run Helm.
    expect(of({ namespace: "monitoring", name: "kps-admission" })).to.match(
      /delete secret kps-admission, then pulumi config set --path helm\.kps\.values\.prometheusOperator\.podAnnotations/,
    );
    const operator = "opentelemetry-operator-controller-manager-service-cert";
    const labels = { "app.kubernetes.io/managed-by": "Helm" };
    expect(of({ namespace: "opentelemetry", name: operator, labels })).to.match(
      /pulumi config set --path helm\.opentelemetry-operator\.values\.manager\.podAnnotations/,
    );
    expect(of({ namespace: "monitoring", name: "mine" })).to.contain("the owner of this Secret");
    expect(of({ namespace: "loki", name: "gateway-tls" })).to.contain("./obs up: it issues a new one");
    const agent = settingsOf("dev", { hub: { stack: "organization/observability/prod" } });
    expect(renewal(agent, { metadata: { namespace: "alloy-logs", name: "gateway-credentials" } })).to.contain(
      "./obs up for organization/observability/prod, then for this stack",
    );
  });

  it("knows a webhook that the API server does not trust", async () => {
    const [one, other] = await Promise.all(
      ["a", "b"].map((value) => generate([{ name: "commonName", value }], { keySize: 2048 })),
    );
    const secret: V1Secret = {
      metadata: { namespace: "monitoring", name: "kps-admission" },
      data: { cert: base64(one?.cert ?? ""), key: base64("key") },
    };
    const webhook = (ca = "") => ({
      name: "w",
      clientConfig: { caBundle: base64(ca), service: { namespace: "monitoring", name: "kps-operator" } },
    });
    expect(trustFinding("kps", webhook(one?.cert), [secret])).to.equal(undefined);
    const distrusted = trustFinding("kps", webhook(other?.cert), [secret]);
    expect(distrusted?.severity).to.equal("critical");
    expect(distrusted?.fix).to.include("helm.kps.values.prometheusOperator");
    expect(trustFinding("kps", webhook(), [])).to.equal(undefined);
  });
});
