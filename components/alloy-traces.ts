import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { releases, servedUrls, tracesReplicas } from "../names";
import { alloyTracesReplicas, alloyTracesValues } from "../values/alloy-traces";
import { type ComponentArgs, childNames, knownSettings, type TlsArgs } from "./args";
import { HelmRelease } from "./helm-release";

export interface AlloyTracesArgs extends ComponentArgs<"alloyTraces">, TlsArgs {}

/**
 * Alloy, which receives the traces of applications, adds metadata of their pods, and sends them to Tempo. It does not
 * wait for Tempo: its queue buffers spans until Tempo is available.
 */
export class AlloyTraces extends pulumi.ComponentResource {
  /** Address for OTLP over gRPC inside the cluster. */
  readonly otlpGrpcEndpoint: pulumi.Output<string>;
  /** Address for OTLP over HTTP inside the cluster. */
  readonly otlpHttpEndpoint: pulumi.Output<string>;

  constructor(name: string, args: AlloyTracesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:AlloyTraces", name, {}, opts);
    const { settings } = args;
    const namespace = args.namespaces.alloyTraces;
    const named = childNames(name, "alloy-traces");
    const known = knownSettings(args);
    const { metadata, spec } = alloyTracesReplicas(settings);
    const replicas = new k8s.core.v1.Service(
      named(tracesReplicas.name),
      { metadata: { ...metadata, namespace }, spec },
      { parent: this },
    );
    const { release } = new HelmRelease(
      named(releases.alloyTraces),
      {
        settings,
        release: releases.alloyTraces,
        chart: "alloy",
        namespace,
        values: known.apply(alloyTracesValues),
      },
      {
        parent: this,
        dependsOn: [
          replicas,
          ...(args.crds ?? []),
          ...args.access.readyFor("alloyTraces"),
          ...args.certificates.readyFor("alloyTraces"),
        ],
      },
    );
    const served = release.urn.apply(() => known).apply(servedUrls);
    this.otlpGrpcEndpoint = served.otlpGrpc;
    this.otlpHttpEndpoint = served.otlpHttp;
    this.registerOutputs({
      otlpGrpcEndpoint: this.otlpGrpcEndpoint,
      otlpHttpEndpoint: this.otlpHttpEndpoint,
    });
  }
}
