import { expect } from "chai";
import { jobManifest } from "../../cli/commands/load/manifest";
import { planOf } from "../../cli/commands/load/plan";
import { generated, type Recording } from "../../cli/lib/record";
import { speaksTls } from "../../components/port-forward";
import { caBundle, certificates, type Served, servedUrls } from "../../names";
import { alertRules } from "../../values/alerts";
import { alloyMetricsEnvironment, alloyMetricsPipeline } from "../../values/alloy-metrics";
import { alloyTracesPipeline } from "../../values/alloy-traces";
import { collectorObject } from "../../values/collector";
import { instrumentationObject } from "../../values/instrumentation";
import { minioMonitor } from "../../values/minio";
import { flows } from "../../values/network-flows";
import { probedCertificates } from "../../values/probed-certificates";
import { certificateObject, dnsNames, lifetimes, served, trusting } from "../../values/tls";
import { aCertificate } from "../support/ca-certificate";
import { namespaces } from "../support/names";
import { type Config, errorOf, externalS3, ready, recordingOf, settingsOf } from "../support/stacks";

// Tests read nested values, whose types say only that they are plain data.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;

const network = (tls: Config): Config => ({ network: { tls } });
const ownCa = network({ certificates: "ownCa", clientNamespaces: ["shop"] });
const certManager = network({ certificates: "certManager" });
const ofType = ({ resources }: Recording, wanted: string) => resources.filter(({ type }) => type === wanted);
const secretType = "kubernetes:core/v1:Secret";
const mapType = "kubernetes:core/v1:ConfigMap";
const placesOf = (recording: Recording, type: string, name: string) =>
  ofType(recording, type)
    .map(({ inputs }) => inputs["metadata"] as Any)
    .filter((metadata) => metadata.name === name)
    .map(({ namespace }) => namespace)
    .sort();
const valuesOf = (recording: Recording, release: string): Any =>
  recording.resources.find(({ type, name }) => type === "kubernetes:helm.sh/v3:Release" && name === release)
    ?.inputs["values"];

describe("unit: TLS between components", function () {
  // The first recording loads the program and Pulumi's SDKs.
  this.timeout(300_000);

  describe("off, as it is by default", () => {
    for (const environment of ["dev", "prod"] as const)
      it(`${environment}: creates no certificate, and no component uses TLS`, async () => {
        const settings = settingsOf(environment);
        const recording = await recordingOf(environment);
        expect(served(settings)).to.deep.equal([]);
        expect(trusting(settings)).to.deep.equal([]);
        expect(recording.resources.filter(({ type }) => type.startsWith("tls:"))).to.deep.equal([]);
        expect(placesOf(recording, mapType, caBundle.name)).to.deep.equal([]);
        expect(recording.outputs["caCertificate"]?.value).to.equal(undefined);
        expect(recording.outputs["otlpHttpEndpoint"]?.value).to.match(/^http:/);
        expect(JSON.stringify(recording.resources)).to.not.include(caBundle.name);
      });
  });

  describe("with the stack's own CA", () => {
    let recording: Recording;

    before(async () => {
      recording = await recordingOf("dev", ownCa);
    });

    it("each server has its certificate in its own namespace, signed by the CA for its own names", () => {
      for (const who of Object.keys(certificates) as Served[]) {
        const { secret } = certificates[who];
        expect(placesOf(recording, secretType, secret)).to.deep.equal([namespaces[who]]);
        const [request] = ofType(recording, "tls:index/certRequest:CertRequest").filter(
          ({ name }) => name === secret,
        );
        expect(request?.inputs["dnsNames"]).to.deep.equal(dnsNames(settingsOf("dev"), who));
      }
      const [ca, ...others] = ofType(recording, "tls:index/selfSignedCert:SelfSignedCert");
      expect(others).to.deep.equal([]);
      expect(ca?.inputs["isCaCertificate"]).to.equal(true);
      // Another cluster.name would replace the CA of running clients.
      expect(ca?.options.ignoreChanges).to.deep.equal(["subject"]);
      const signed = ofType(recording, "tls:index/locallySignedCert:LocallySignedCert");
      expect(signed).to.have.length(3);
      for (const { inputs } of signed) {
        expect(inputs["isCaCertificate"]).to.equal(undefined);
        expect(inputs["allowedUses"]).to.deep.equal(["digital_signature", "server_auth"]);
      }
    });

    it("keys are ECDSA P256, and are only in Secrets and in the provider's inputs", () => {
      const keys = ofType(recording, "tls:index/privateKey:PrivateKey");
      expect(keys).to.have.length(4);
      for (const { inputs } of keys) expect(inputs).to.deep.equal({ algorithm: "ECDSA", ecdsaCurve: "P256" });
      const holders = recording.resources
        .filter(({ type }) => !/^(tls|random|minio|pulumi):/.test(type))
        .filter(({ inputs }) => JSON.stringify(inputs).includes(generated));
      expect(new Set(holders.map(({ type }) => type))).to.deep.equal(new Set([secretType]));
      for (const { name, inputs } of ofType(recording, secretType))
        if ((inputs["metadata"] as Any).name === caBundle.name)
          expect(JSON.stringify(inputs), name).to.not.include(generated);
    });

    it("all clients, and the outputs of the stack, get the CA certificate and nothing else", () => {
      const places = "alloy-traces grafana loki mimir minio monitoring opentelemetry shop tempo".split(" ");
      expect(placesOf(recording, mapType, caBundle.name)).to.deep.equal(places);
      for (const { inputs } of ofType(recording, mapType))
        if ((inputs["metadata"] as Any).name === caBundle.name)
          expect(inputs["data"]).to.deep.equal({ [caBundle.file]: "[certificate of the CA]" });
      expect(recording.outputs["caCertificate"]).to.deep.equal({
        value: "[certificate of the CA]",
        secret: false,
      });
    });

    it("servers have https addresses", () => {
      for (const output of ["otlpGrpcEndpoint", "otlpHttpEndpoint", "grafanaUrl", "minioConsoleUrl"])
        expect(recording.outputs[output]?.value, output).to.match(/^https:.*:\d+$/);
    });

    it("the stores use TLS for MinIO, verify it, and have the CA certificate", () => {
      expect(valuesOf(recording, "loki").loki.storage.s3).to.deep.include({
        endpoint: "https://minio.minio.svc:9000",
        insecure: false,
        http_config: { ca_file: caBundle.path },
      });
      expect(valuesOf(recording, "mimir").mimir.structuredConfig.common.storage.s3).to.deep.include({
        insecure: false,
        http: { tls_ca_path: caBundle.path },
      });
      expect(valuesOf(recording, "tempo").storage.trace.s3).to.deep.include({
        insecure: false,
        tls_ca_path: caBundle.path,
      });
      const volumes = [{ name: caBundle.name, configMap: { name: caBundle.name } }];
      expect(valuesOf(recording, "loki").defaults.extraVolumes).to.deep.equal(volumes);
      expect(valuesOf(recording, "mimir").global.extraVolumes).to.deep.equal(volumes);
      expect(valuesOf(recording, "tempo").defaults.extraVolumes).to.deep.equal(volumes);
    });

    it("each release waits for its certificates", () => {
      const waits = (release: string) =>
        recording.resources.find(({ name, type }) => name === release && type.endsWith(":HelmRelease"))
          ?.options.dependencies;
      expect(waits("minio")).to.include(`${secretType}::minio-${certificates.minio.secret}`);
      expect(waits("grafana")).to.include(`${secretType}::grafana-${certificates.grafana.secret}`);
      expect(waits("alloy-traces")).to.include(
        `${secretType}::alloyTraces-${certificates.alloyTraces.secret}`,
      );
      for (const store of ["loki", "mimir", "tempo"])
        expect(waits(store)).to.include(`${mapType}::${store}-${caBundle.name}`);
    });
  });

  describe("with cert-manager", () => {
    it("it signs with an intermediate CA of the stack's own CA, whose key it does not get", async () => {
      const recording = await recordingOf("dev", certManager);
      const issued = ofType(recording, "kubernetes:cert-manager.io/v1:Certificate");
      expect(issued.map(({ inputs }) => (inputs["spec"] as Any).issuerRef.kind)).to.deep.equal(
        Array(3).fill("Issuer"),
      );
      expect(ofType(recording, "kubernetes:cert-manager.io/v1:Issuer")).to.have.length(3);
      const below = ofType(recording, "tls:index/locallySignedCert:LocallySignedCert");
      expect(below.map(({ inputs }) => inputs["isCaCertificate"])).to.deep.equal([true, true, true]);
      const chains = ofType(recording, secretType).filter(({ name }) =>
        name.endsWith("-observability-issuer"),
      );
      expect(chains).to.have.length(3);
      for (const { inputs } of chains)
        expect((inputs["stringData"] as Any)["tls.crt"]).to.equal("[certificate][certificate of the CA]");
    });

    it("an existing issuer issues all of them, and its CA is trusted", async () => {
      const caCertificate = aCertificate(true);
      const issuer = { name: "company", kind: "ClusterIssuer" };
      const config = network({ certificates: "certManager", issuer, caCertificate });
      const recording = await recordingOf("dev", config);
      expect(recording.resources.filter(({ type }) => type.startsWith("tls:"))).to.deep.equal([]);
      const object = certificateObject(settingsOf("dev", config), "grafana");
      expect(object.spec.issuerRef).to.deep.equal({ group: "cert-manager.io", ...issuer });
      expect(recording.outputs["caCertificate"]?.value).to.equal(caCertificate);
    });
  });

  it("a certificate has its Services' names in all forms", () => {
    expect(dnsNames(settingsOf("dev", { namespaces: { prefix: "b-" } }), "alloyTraces")).to.include(
      "b-alloy-traces.b-alloy-traces.svc",
    );
    expect(dnsNames(settingsOf("dev"), "grafana")).to.deep.equal([
      "grafana",
      "grafana.grafana",
      "grafana.grafana.svc",
      "grafana.grafana.svc.cluster.local",
      "localhost",
    ]);
    expect(dnsNames(settingsOf("dev", { cluster: { domain: "corp.internal" } }), "minio")).to.include.members(
      ["*.minio-svc.minio.svc", "*.minio-svc.minio.svc.corp.internal", "minio-console.minio.svc"],
    );
  });

  it("it is renewed long before it expires, and a CA outlives the certificates that it signs", () => {
    for (const { validityPeriodHours, earlyRenewalHours } of Object.values(lifetimes))
      expect(earlyRenewalHours).to.be.within(30 * 24, validityPeriodHours / 2);
    expect(lifetimes.server.validityPeriodHours).to.be.at.most(lifetimes.issuer.earlyRenewalHours);
    expect(lifetimes.server.validityPeriodHours).to.be.at.most(lifetimes.ca.earlyRenewalHours);
  });

  it("an external S3 keeps its own TLS, and there is no certificate for MinIO", () => {
    const settings = settingsOf("prod", {
      ...ownCa,
      objectStorage: { kind: "external", external: externalS3 },
    });
    expect(served(settings)).to.deep.equal(["grafana", "alloyTraces"]);
    expect(trusting(settings)).to.not.include("loki");
  });

  it("both OTLP ports for applications use TLS, and other receivers do not change", () => {
    const plain = alloyTracesPipeline(settingsOf("prod"));
    const secure = alloyTracesPipeline(settingsOf("prod", ownCa));
    expect(plain).to.not.include("/etc/alloy-tls");
    expect(secure.match(/endpoint += "0\.0\.0\.0:(\d+)"\n+\t\ttls \{/g)).to.have.length(2);
    expect(secure.replace(/\n\n\t\ttls \{[^}]*\/etc\/alloy-tls[^}]*\}/g, "")).to.equal(plain);
  });

  it("senders of traces verify Alloy", () => {
    const settings = settingsOf("dev", ownCa);
    expect(instrumentationObject(settings).spec.exporter).to.deep.equal({
      endpoint: servedUrls(settings).otlpHttp,
      tls: { configMapName: caBundle.name, ca_file: caBundle.file },
    });
    const collector: Any = collectorObject(settings).spec;
    expect(collector.config.exporters.otlp.tls).to.deep.equal({ ca_file: caBundle.path });
    expect(collector.volumes[0].configMap.name).to.equal(caBundle.name);
    const asked = { logs: 0, series: 0, spans: 9, queries: 0, steps: 1, duration: 5 } as Any;
    const plan = planOf(settings, asked, "r");
    expect(plan.urls.otlp).to.equal(servedUrls(settings).otlpHttp);
    const pod = jobManifest(settings, plan).spec?.template.spec;
    expect(pod?.containers[0]?.env).to.deep.include({ name: "SSL_CERT_FILE", value: caBundle.path });
    expect(pod?.volumes).to.deep.include({ name: caBundle.name, configMap: { name: caBundle.name } });
  });

  it("Prometheus verifies its targets", () => {
    const [endpoint]: Any[] = minioMonitor(settingsOf("dev", ownCa)).spec.endpoints;
    expect(endpoint).to.deep.include({ port: "https", scheme: "https" });
    expect(endpoint.tlsConfig.serverName).to.equal("minio.minio.svc");
    expect(endpoint.tlsConfig).to.not.have.property("insecureSkipVerify");
  });

  it("a pod's certificate shows whether it uses TLS", () => {
    const pod = (secretName: string) => ({
      spec: { containers: [], volumes: [{ name: "v", secret: { secretName } }] },
    });
    expect(speaksTls(pod("minio-tls"), "minio")).to.equal(true);
    expect(speaksTls(pod("minio-root"), "minio")).to.equal(false);
    expect(speaksTls({}, "minio")).to.equal(false);
  });

  describe("rejects", () => {
    const paths = (tls: Config) =>
      errorOf(() => settingsOf("dev", network(tls))).problems.map(({ path }) => path);
    const issuer = { name: "company", kind: "ClusterIssuer" };

    it("an issuer without cert-manager, or without its CA", () => {
      expect(paths({ certificates: "ownCa", issuer })).to.deep.equal(["network.tls.issuer"]);
      expect(paths({ certificates: "certManager", issuer })).to.deep.equal(["network.tls.caCertificate"]);
    });

    it("a CA certificate that is not used, invalid, or not a CA's", () => {
      const certificates = "certManager";
      const pem = aCertificate(true);
      expect(paths({ certificates, caCertificate: pem })).to.deep.equal(["network.tls.caCertificate"]);
      for (const caCertificate of [
        "hello",
        `${pem}-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n${pem}`,
      ])
        expect(paths({ certificates, issuer, caCertificate })).to.deep.equal(["network.tls.caCertificate"]);
      expect(paths({ certificates, issuer, caCertificate: aCertificate(false) })).to.deep.equal([
        "network.tls.caCertificate",
      ]);
    });
  });

  describe("expiry of certificates", () => {
    const probed = (config: Config) =>
      probedCertificates(settingsOf("dev", config)).map(({ address }) => address.replace(".svc", ""));
    const webhooks = ["kps-operator.monitoring:443", "opentelemetry-operator-webhook.opentelemetry:443"];
    const ingress = { grafana: { url: "https://grafana.test", ingress: {} } };

    it("is probed at each endpoint with a certificate that is renewed", () => {
      expect(probed({})).to.deep.equal([]);
      expect(probed(ownCa)).to.deep.equal([
        ...["minio.minio:9000", "grafana.grafana:80", "alloy-traces.alloy-traces:4318"],
        ...webhooks,
      ]);
      expect(probed(ingress)).to.deep.equal(["grafana.test:443", ...webhooks]);
      expect(probed({ otlp: { ingress: { host: "otlp.test", tlsSecret: "otlp" } } })).to.deep.equal([
        "otlp.test:443",
        ...webhooks,
      ]);
      expect(probed({ openTelemetryOperator: { certManager: true } })).to.deep.equal(webhooks);
      expect(probed({ ...ingress, grafana: { url: "https://grafana.test:8443", ingress: {} } })[0]).to.equal(
        "grafana.test:8443",
      );
    });

    it("is part of the pipeline only if there is a certificate, with its rules in Mimir", () => {
      const pipeline = (config: Config) => alloyMetricsPipeline(settingsOf("dev", config));
      expect(pipeline({})).not.to.include("certificates");
      expect(pipeline(ownCa)).to.include('prometheus.exporter.blackbox "certificates"');
      const environment = alloyMetricsEnvironment(settingsOf("dev", ownCa));
      expect(JSON.parse(environment["CERTIFICATES"] ?? "")[0]).to.deep.equal({
        name: "minio.minio.svc:9000",
        address: "minio.minio.svc:9000",
        module: "tls",
        namespace: "minio",
      });
      const rule = alertRules(settingsOf("dev")).find(({ metadata }) =>
        metadata.name.endsWith("-certificates"),
      );
      expect(rule?.metadata.labels).to.deep.equal({ "observability/mimir-tenant": "nodes" });
    });

    it("is allowed by the stack's NetworkPolicies", () => {
      const of = (config: Config) =>
        flows(settingsOf("prod", config))
          .filter(({ why }) => why === "certificate expiry")
          .map(({ from, to, ports }) => `${from} ${to} ${ports}`);
      expect(of({ ...ownCa, grafana: ready("prod")["grafana"] })).to.deep.equal([
        "alloyMetrics minio 9000",
        "alloyMetrics grafana 3000",
        "alloyMetrics alloyTraces 4318",
        "alloyMetrics anywhere 443",
        "alloyMetrics prometheusOperator 10250",
        "alloyMetrics opentelemetryOperator 10250",
      ]);
    });
  });
});
