import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { minio } from "../../names";
import { coldTierEnv, type coldTierJob, type ColdTier as Tier } from "../../values/cold-tier";
import { childNames } from "../args";

export interface ColdTierArgs {
  /** Settings of the cold tier. */
  tier: Tier;
  /** The Job that configures the tier in MinIO. */
  job: ReturnType<typeof coldTierJob>;
  /** MinIO's namespace. */
  namespace: pulumi.Input<string>;
  /** Dependencies of the Job: buckets with the lifecycles that the provider writes, which have no transition. */
  after: pulumi.Resource[];
}

/** The cold tier of MinIO, and the lifecycles of its buckets. */
export class ColdTier extends pulumi.ComponentResource {
  constructor(name: string, args: ColdTierArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:ColdTier", name, {}, opts);
    const { tier, job, namespace, after } = args;
    const named = childNames(name, "cold-tier");
    const secret = new k8s.core.v1.Secret(
      named(minio.coldTier),
      {
        metadata: { name: minio.coldTier, namespace },
        stringData: {
          [coldTierEnv.accessKey]: pulumi.secret(tier.accessKey.reveal()),
          [coldTierEnv.secretKey]: pulumi.secret(tier.secretKey.reveal()),
        },
      },
      { parent: this },
    );
    new k8s.batch.v1.Job(
      named(minio.coldTier),
      { metadata: { ...job.metadata, namespace }, spec: job.spec },
      { parent: this, dependsOn: [secret, ...after], customTimeouts: { create: "10m" } },
    );
    this.registerOutputs({});
  }
}
