/** The stack, in the order in which data flows. Every number comes from `settings/`, every name from `names.ts`. */
import * as pulumi from "@pulumi/pulumi";
import { chartSources } from "./charts";
import { Alerts } from "./components/alerts";
import { AlloyLogs } from "./components/alloy-logs";
import { AlloyMetrics } from "./components/alloy-metrics";
import { AlloyTraces } from "./components/alloy-traces";
import { CAdvisor } from "./components/cadvisor";
import { clusterProvider } from "./components/cluster";
import { Grafana } from "./components/grafana";
import { held } from "./components/hold";
import { KubePrometheusStack } from "./components/kube-prometheus-stack";
import { Loki } from "./components/loki";
import { Mimir } from "./components/mimir";
import { Namespaces } from "./components/namespaces";
import { ObjectStorage } from "./components/object-storage";
import { openGate } from "./components/object-storage/gate";
import { preflight } from "./components/object-storage/preflight";
import { OpenTelemetryOperator } from "./components/opentelemetry-operator";
import { Tempo } from "./components/tempo";
import { mimirTenants, tenants } from "./names";
import { readSettings } from "./settings";

export = () =>
  held(async () => {
    const stack = pulumi.getStack();
    const settings = readSettings(stack, pulumi.runtime.allConfig());
    // A mirror that lacks a chart is told before anything is touched, too.
    chartSources(stack, settings);
    const gate = await openGate(settings);
    const found = gate && (await preflight(stack, settings, gate));

    const options = { provider: clusterProvider(settings) };
    const namespaces = new Namespaces("namespaces", { settings }, options);
    const prometheus = new KubePrometheusStack("kube-prometheus-stack", { settings, namespaces }, options);
    const args = { settings, namespaces, crds: prometheus.crds };
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
    new Alerts("alerts", args, options);

    return {
      environment: settings.environment,
      cluster: settings.cluster.name,
      tenants: [...new Set([...Object.values(tenants), ...mimirTenants(settings)])],
      minioEndpoint: storage.endpoint,
      minioConsoleUrl: storage.minio?.consoleUrl,
      minioRootUser: storage.minio?.rootUser,
      minioRootPassword: storage.minio?.rootPassword,
      lokiUrl: loki.url,
      lokiTenant: loki.tenant,
      mimirUrl: mimir.url,
      mimirTenants: mimir.tenants,
      prometheusUrl: prometheus.prometheusUrl,
      alertmanagerUrl: prometheus.alertmanagerUrl,
      tempoUrl: tempo.url,
      otlpGrpcEndpoint: traces.otlpGrpcEndpoint,
      otlpHttpEndpoint: traces.otlpHttpEndpoint,
      tracesSamplingRatio: settings.tracing.sampling.ratio,
      instrumentation: operator.instrumentation,
      grafanaUrl: grafana.url,
      grafanaAdminUser: grafana.adminUser,
      grafanaAdminPassword: grafana.adminPassword,
    };
  });
