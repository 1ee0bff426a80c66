/**
 * Installs an agent: the collectors and exporters of a cluster, which send to the stores of a hub.
 * docs/guides/many-clusters.md
 */
import * as pulumi from "@pulumi/pulumi";
import { Alerts } from "./components/alerts";
import { AlloyLogs } from "./components/alloy-logs";
import { AlloyMetrics } from "./components/alloy-metrics";
import { AlloyTraces } from "./components/alloy-traces";
import { CAdvisor } from "./components/cadvisor";
import { Certificates } from "./components/certificates";
import { clusterProvider } from "./components/cluster";
import { clusterIdentity } from "./components/cluster-identity";
import { HubAccess, readHub } from "./components/hub";
import { KubePrometheusStack } from "./components/kube-prometheus-stack";
import { Namespaces } from "./components/namespaces";
import { NetworkPolicies } from "./components/network-policies";
import { OpenTelemetryOperator } from "./components/opentelemetry-operator";
import { preflight, readCluster } from "./components/preflight";
import { withAddOns } from "./components/preflight/add-ons";
import type { Settings } from "./settings";

/** @param given settings of the stack, with `hub` set */
export async function agent(stack: string, given: Settings, hub: NonNullable<Settings["hub"]>) {
  const { settings: connected, passwords, generation, client, warnings } = await readHub(stack, given, hub);
  for (const warning of warnings) pulumi.log.warn(warning);
  const cluster = await readCluster(connected);
  const settings = withAddOns(stack, connected, cluster);
  await preflight(stack, settings, cluster, undefined);

  const identifier = await clusterIdentity(stack, settings, cluster);
  const options = { provider: clusterProvider(settings, identifier) };
  const { names: namespaces } = new Namespaces("namespaces", { settings }, options);
  new NetworkPolicies("network-policies", { settings, namespaces }, options);
  const access = new HubAccess("hub-access", { settings, namespaces, passwords, client }, options);
  const certificates = new Certificates("certificates", { settings, namespaces }, options);
  const base = { settings, namespaces, access, certificates };
  const { crds } = new KubePrometheusStack("kube-prometheus-stack", base, options);
  const args = { ...base, crds };
  new AlloyLogs("alloy-logs", args, options);
  if (settings.cadvisor.enabled) new CAdvisor("cadvisor", args, options);
  new AlloyMetrics("alloy-metrics", args, options);
  const traces = new AlloyTraces("alloy-traces", args, options);
  const operator = new OpenTelemetryOperator("opentelemetry-operator", args, options);
  new Alerts("alerts", { ...args, credentials: { expires: client.expires, generation } }, options);

  return {
    environment: settings.environment,
    cluster: settings.cluster.name,
    hub: hub.stack,
    ...(certificates.caCertificate && { caCertificate: certificates.caCertificate }),
    otlpGrpcEndpoint: traces.otlpGrpcEndpoint,
    otlpHttpEndpoint: traces.otlpHttpEndpoint,
    tracesSamplingRatio: settings.tracing.sampling.ratio,
    instrumentation: operator.instrumentation,
    grafanaUrl: settings.grafana.url,
  };
}
