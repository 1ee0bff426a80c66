import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { instrumentation, releases } from "../names";
import { collectorAccount, collectorMonitor, collectorObject } from "../values/collector";
import { instrumentationObjects } from "../values/instrumentation";
import { installsOpenTelemetryOperator, openTelemetryOperatorValues } from "../values/opentelemetry-operator";
import type { ComponentArgs, TlsArgs } from "./args";
import { HelmRelease } from "./helm-release";

export interface OpenTelemetryOperatorArgs extends Omit<ComponentArgs<"opentelemetry">, "access">, TlsArgs {}

/** The OpenTelemetry operator, an OpenTelemetryCollector, and the Instrumentation for applications. */
export class OpenTelemetryOperator extends pulumi.ComponentResource {
  /** Name of the Instrumentation for pod annotations: `namespace/name`. */
  readonly instrumentation: pulumi.Output<string>;

  constructor(name: string, args: OpenTelemetryOperatorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:OpenTelemetryOperator", name, {}, opts);
    const { settings, namespaces } = args;
    const namespace = namespaces.opentelemetry;
    const operator = installsOpenTelemetryOperator(settings)
      ? [
          new HelmRelease(
            releases.openTelemetryOperator,
            {
              settings,
              release: releases.openTelemetryOperator,
              chart: "opentelemetry-operator",
              namespace,
              values: openTelemetryOperatorValues(settings),
            },
            { parent: this },
          ).release,
        ]
      : [];
    // Its webhook must be available before these can be created.
    const after = { parent: this, dependsOn: operator };
    const placed = <T extends { metadata: object }>(object: T) => ({
      ...object,
      metadata: { ...object.metadata, namespace },
    });
    const [made] = instrumentationObjects(settings).map(
      (object) =>
        new k8s.apiextensions.CustomResource(
          `instrumentation-${object.metadata.name}`,
          placed(object),
          after,
        ),
    );
    const account = new k8s.core.v1.ServiceAccount("collector-gateway", placed(collectorAccount(settings)), {
      parent: this,
    });
    new k8s.apiextensions.CustomResource("collector-gateway", placed(collectorObject(settings)), {
      ...after,
      dependsOn: [...operator, account, ...args.certificates.readyFor("opentelemetry")],
    });
    new k8s.apiextensions.CustomResource("collector-gateway-monitor", placed(collectorMonitor(settings)), {
      parent: this,
      dependsOn: args.crds ?? [],
    });
    const { namespace: of, name: all } = instrumentation(settings);
    this.instrumentation = pulumi.output(made?.urn).apply(() => `${of}/${all}`);
    this.registerOutputs({ instrumentation: this.instrumentation });
  }
}
