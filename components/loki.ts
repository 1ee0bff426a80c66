import * as pulumi from "@pulumi/pulumi";
import { releases, tenants, urls } from "../names";
import { lokiValues } from "../values/loki";
import { type ComponentArgs, childNames, knownSettings } from "./args";
import { HelmRelease } from "./helm-release";
import type { ObjectStorage } from "./object-storage";

export interface LokiArgs extends ComponentArgs<"loki"> {
  /** Storage of chunks and index. */
  storage: ObjectStorage;
}

/** Loki in its distributed mode: logs in, LogQL out, chunks and index in object storage. */
export class Loki extends pulumi.ComponentResource {
  /** URL for pushes and queries inside the cluster; its gateway requires basic-auth credentials. */
  readonly url: pulumi.Output<string>;
  /** Tenant of the cluster's own logs. */
  readonly tenant: pulumi.Output<string>;

  constructor(name: string, args: LokiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Loki", name, {}, opts);
    const known = knownSettings(args);
    const { release } = new HelmRelease(
      childNames(name, "loki")(releases.loki),
      {
        settings: args.settings,
        release: releases.loki,
        chart: "loki",
        namespace: args.namespaces.loki,
        values: known.apply(lokiValues),
      },
      {
        parent: this,
        dependsOn: [...(args.crds ?? []), ...args.access.readyFor("loki"), ...args.storage.readyFor("loki")],
      },
    );
    this.url = release.urn.apply(() => known).apply((settings) => urls(settings).loki);
    this.tenant = pulumi.output(tenants.logs);
    this.registerOutputs({ url: this.url, tenant: this.tenant });
  }
}
