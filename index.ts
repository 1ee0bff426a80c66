/** The stack, in the order in which data flows. Every number comes from `settings/`, every name from `names.ts`. */
import * as pulumi from "@pulumi/pulumi";
import { agent } from "./agent";
import { chartSources } from "./charts";
import { Alerts } from "./components/alerts";
import { AlloyLogs } from "./components/alloy-logs";
import { AlloyMetrics } from "./components/alloy-metrics";
import { AlloyTraces } from "./components/alloy-traces";
import { Backups } from "./components/backups";
import { CAdvisor } from "./components/cadvisor";
import { Certificates } from "./components/certificates";
import { clusterProvider } from "./components/cluster";
import { clusterIdentity } from "./components/cluster-identity";
import { GatewayAccess } from "./components/gateway-access";
import { Grafana } from "./components/grafana";
import { keepAlive } from "./components/keep-alive";
import { KubePrometheusStack } from "./components/kube-prometheus-stack";
import { Loki } from "./components/loki";
import { Mimir } from "./components/mimir";
import { Namespaces } from "./components/namespaces";
import { NetworkPolicies } from "./components/network-policies";
import { ObjectStorage } from "./components/object-storage";
import { openGate } from "./components/object-storage/gate";
import { OpenTelemetryOperator } from "./components/opentelemetry-operator";
import { preflight, readCluster } from "./components/preflight";
import { withAddOns } from "./components/preflight/add-ons";
import { Scaling } from "./components/scaling";
import { Tempo } from "./components/tempo";
import { mimirTenants, tenants } from "./names";
import { project, readSettings, refusePlainSecrets, sizingWarnings, storageForecast } from "./settings";

export = () =>
  keepAlive<pulumi.Inputs>(async () => {
    const stack = pulumi.getStack();
    const given = readSettings(stack, pulumi.runtime.allConfig());
    // The engine's list of keys that are encrypted, in whole or in part; without an engine the list is
    // unknown.
    const encrypted: string[] | null = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "null");
    if (encrypted) refusePlainSecrets(stack, given, (key) => encrypted.includes(`${project}:${key}`));
    // A chart that is missing in the mirror is also an error before any change.
    chartSources(stack, given);
    if (given.hub) return agent(stack, given, given.hub);
    for (const warning of sizingWarnings(stack, given)) pulumi.log.warn(warning);
    for (const forecast of storageForecast(given)) pulumi.log.info(forecast);
    const cluster = await readCluster(given);
    const settings = withAddOns(stack, given, cluster);
    const gate = await openGate(settings);
    const found = await preflight(stack, settings, cluster, gate);

    const identifier = await clusterIdentity(stack, settings, cluster);
    const options = { provider: clusterProvider(settings, identifier) };
    const { names: namespaces } = new Namespaces("namespaces", { settings }, options);
    new NetworkPolicies("network-policies", { settings, namespaces }, options);
    const access = new GatewayAccess("gateway-access", { settings, namespaces }, options);
    const certificates = new Certificates("certificates", { settings, namespaces }, options);
    const base = { settings, namespaces, access, certificates };
    const prometheus = new KubePrometheusStack("kube-prometheus-stack", base, options);
    const args = { ...base, crds: prometheus.crds };
    const storage = new ObjectStorage("object-storage", { ...args, gate, found }, options);
    const loki = new Loki("loki", { ...args, storage }, options);
    new AlloyLogs("alloy-logs", args, options);
    const mimir = new Mimir("mimir", { ...args, storage }, options);
    if (settings.cadvisor.enabled) new CAdvisor("cadvisor", args, options);
    new AlloyMetrics("alloy-metrics", args, options);
    const tempo = new Tempo("tempo", { ...args, storage }, options);
    const traces = new AlloyTraces("alloy-traces", args, options);
    const operator = new OpenTelemetryOperator("opentelemetry-operator", args, options);
    const grafana = new Grafana("grafana", args, options);
    if (settings.backups.destination) new Backups("backups", { ...args, storage }, options);
    new Alerts("alerts", args, options);
    new Scaling("scaling", args, options);

    return {
      environment: settings.environment,
      cluster: settings.cluster.name,
      tenants: [
        ...new Set([...Object.values(tenants), ...mimirTenants(settings), ...Object.keys(settings.agents)]),
      ],
      ...(certificates.caCertificate && { caCertificate: certificates.caCertificate }),
      minioEndpoint: storage.endpoint,
      ...(storage.minio && {
        minioConsoleUrl: storage.minio.consoleUrl,
        minioRootUser: storage.minio.rootUser,
        minioRootPassword: storage.minio.rootPassword,
      }),
      lokiUrl: loki.url,
      lokiTenant: loki.tenant,
      lokiPasswords: access.passwords.loki,
      mimirUrl: mimir.url,
      mimirTenants: mimir.tenants,
      mimirPasswords: access.passwords.mimir,
      prometheusUrl: prometheus.prometheusUrl,
      alertmanagerUrl: prometheus.alertmanagerUrl,
      tempoUrl: tempo.url,
      tempoPasswords: access.passwords.tempo,
      ...(Object.keys(settings.agents).length > 0 && { agents: access.agents }),
      otlpGrpcEndpoint: traces.otlpGrpcEndpoint,
      otlpHttpEndpoint: traces.otlpHttpEndpoint,
      tracesSamplingRatio: settings.tracing.sampling.ratio,
      instrumentation: operator.instrumentation,
      grafanaUrl: grafana.url,
      grafanaAdminUser: grafana.adminUser,
      grafanaAdminPassword: grafana.adminPassword,
    };
  });
