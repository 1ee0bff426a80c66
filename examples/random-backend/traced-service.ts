import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "./platform";
import { restrictedContainer, restrictedPod } from "./restricted";

export interface TracedServiceArgs {
  /** Namespace, also the `service.namespace` of its spans. */
  namespace: pulumi.Input<string>;
  /** Image built from `app/`. */
  image: pulumi.Input<string>;
  /** Number of replicas. */
  replicas: pulumi.Input<number>;
  /** The observability stack that receives its traces. */
  platform: Platform;
  /** Environment variables of its own. */
  env: k8s.types.input.core.v1.EnvVar[];
  /** Whether it exposes metrics, at `/metrics`. */
  metrics: boolean;
}

const port = 8080;

/** One of the services in `app/`, named after its module. The OpenTelemetry operator instruments its pods. */
export class TracedService extends pulumi.ComponentResource {
  /** URL inside the cluster. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: TracedServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("random-backend:index:TracedService", name, {}, opts);
    const { namespace, platform } = args;
    const selector = { "app.kubernetes.io/name": name };
    const labels = { ...selector, "app.kubernetes.io/part-of": "random-backend" };
    const health = { httpGet: { path: "/healthz", port } };

    const deployment = new k8s.apps.v1.Deployment(
      name,
      {
        metadata: { name, namespace, labels },
        spec: {
          replicas: args.replicas,
          selector: { matchLabels: selector },
          template: {
            metadata: {
              labels,
              annotations: {
                "instrumentation.opentelemetry.io/inject-python": platform.instrumentation,
                // A pod is instrumented when it is created. These annotations change with the platform, so that new
                // pods are created.
                "random-backend/otlp-endpoint": platform.otlpEndpoint,
                "random-backend/sampling-ratio": pulumi.interpolate`${platform.samplingRatio}`,
                ...(args.metrics && { "prometheus.io/scrape": "true", "prometheus.io/port": `${port}` }),
              },
            },
            spec: {
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              securityContext: restrictedPod(10001),
              topologySpreadConstraints: [
                {
                  maxSkew: 1,
                  topologyKey: "kubernetes.io/hostname",
                  whenUnsatisfiable: "ScheduleAnyway",
                  labelSelector: { matchLabels: selector },
                },
              ],
              containers: [
                {
                  name,
                  image: args.image,
                  args: [`random_backend.${name}:app`],
                  ports: [{ name: "http", containerPort: port }],
                  env: [
                    ...args.env,
                    { name: "OTEL_SERVICE_NAME", value: name },
                    {
                      name: "OTEL_RESOURCE_ATTRIBUTES",
                      value: pulumi.interpolate`service.namespace=${namespace},deployment.environment=${platform.environment}`,
                    },
                    // No spans for probes and scrapes.
                    { name: "OTEL_PYTHON_EXCLUDED_URLS", value: "healthz,metrics" },
                  ],
                  startupProbe: { ...health, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 60 },
                  readinessProbe: { ...health, periodSeconds: 5, timeoutSeconds: 2 },
                  livenessProbe: { ...health, periodSeconds: 10, timeoutSeconds: 5 },
                  resources: {
                    requests: { cpu: "50m", memory: "128Mi" },
                    limits: { memory: "256Mi" },
                  },
                  securityContext: restrictedContainer,
                },
              ],
            },
          },
        },
      },
      { parent: this },
    );

    const service = new k8s.core.v1.Service(
      name,
      {
        metadata: { name, namespace, labels },
        spec: { selector, ports: [{ name: "http", port: 80, targetPort: port }] },
      },
      { parent: this, dependsOn: deployment },
    );
    this.url = pulumi.interpolate`http://${service.metadata.name}.${namespace}.svc`;
    this.registerOutputs({ url: this.url });
  }
}
