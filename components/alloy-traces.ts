import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { releases, servedUrls, tracesReplicas } from "../names";
import { alloyTracesReplicas, alloyTracesValues } from "../values/alloy-traces";
import type { ComponentArgs } from "./args";
import { HelmRelease } from "./helm-release";

/**
 * Alloy, receiving the traces of applications, adding what is known of their pods, and sending them to Tempo (R7). It
 * does not wait for Tempo: until that answers, spans wait in its queue.
 */
export class AlloyTraces extends pulumi.ComponentResource {
  /** Address for OTLP by gRPC inside the cluster. */
  readonly otlpGrpcEndpoint: pulumi.Output<string>;
  /** Address for OTLP by HTTP inside the cluster. */
  readonly otlpHttpEndpoint: pulumi.Output<string>;

  constructor(name: string, args: ComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:AlloyTraces", name, {}, opts);
    const namespace = args.namespaces.name("alloyTraces");
    const { metadata, spec } = alloyTracesReplicas(args.settings);
    const replicas = new k8s.core.v1.Service(
      tracesReplicas.name,
      { metadata: { ...metadata, namespace }, spec },
      { parent: this },
    );
    const { release } = new HelmRelease(
      releases.alloyTraces,
      { settings: args.settings, chart: "alloy", namespace, values: alloyTracesValues(args.settings) },
      {
        parent: this,
        dependsOn: [
          replicas,
          ...args.crds,
          ...args.access.readyFor("alloyTraces"),
          ...args.certificates.readyFor("alloyTraces"),
        ],
      },
    );
    this.otlpGrpcEndpoint = release.urn.apply(() => servedUrls(args.settings).otlpGrpc);
    this.otlpHttpEndpoint = release.urn.apply(() => servedUrls(args.settings).otlpHttp);
    this.registerOutputs({
      otlpGrpcEndpoint: this.otlpGrpcEndpoint,
      otlpHttpEndpoint: this.otlpHttpEndpoint,
    });
  }
}
