import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { alertmanagerSecret, mimirTenants, releases, urls } from "../names";
import { mimirValues } from "../values/mimir";
import { removedAgentsJob } from "../values/removed-agents";
import { createAlertmanagerSecret } from "./alertmanager-secret";
import { type ComponentArgs, childNames, knownSettings } from "./args";
import { HelmRelease } from "./helm-release";
import type { ObjectStorage } from "./object-storage";

export interface MimirArgs extends ComponentArgs<"mimir"> {
  /** Storage of blocks, rules and Alertmanager's state. */
  storage: ObjectStorage;
}

/** Mimir in its classic distributed mode: metrics in through remote write or OTLP, PromQL out, blocks in object storage. */
export class Mimir extends pulumi.ComponentResource {
  /** URL for pushes and queries inside the cluster; its gateway requires basic-auth credentials. */
  readonly url: pulumi.Output<string>;
  /** The tenants in the settings, and those of the rollups. */
  readonly tenants: pulumi.Output<string[]>;

  constructor(name: string, args: MimirArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Mimir", name, {}, opts);
    const { settings, namespaces, crds = [], access, storage } = args;
    const named = childNames(name, "mimir");
    const known = knownSettings(args);
    const alerting = createAlertmanagerSecret(
      named(`mimir-${alertmanagerSecret}`),
      settings,
      namespaces.mimir,
      this,
    );
    const { release } = new HelmRelease(
      named(releases.mimir),
      {
        settings,
        release: releases.mimir,
        chart: "mimir-distributed",
        namespace: namespaces.mimir,
        values: known.apply(mimirValues),
      },
      {
        parent: this,
        dependsOn: [alerting, ...crds, ...access.readyFor("mimir"), ...storage.readyFor("mimir")],
      },
    );
    const job = removedAgentsJob(settings);
    if (job)
      new k8s.batch.v1.Job(
        named("mimir-removed-agents"),
        { metadata: { ...job.metadata, namespace: namespaces.mimir }, spec: job.spec },
        { parent: this, dependsOn: release },
      );
    this.url = release.urn.apply(() => known).apply((all) => urls(all).mimir);
    this.tenants = pulumi.output(mimirTenants(settings));
    this.registerOutputs({ url: this.url, tenants: this.tenants });
  }
}
