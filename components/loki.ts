import * as pulumi from "@pulumi/pulumi";
import { releases, tenants, urls } from "../names";
import { lokiValues } from "../values/loki";
import type { ComponentArgs } from "./args";
import { HelmRelease } from "./helm-release";
import type { ObjectStorage } from "./object-storage";

export interface LokiArgs extends ComponentArgs {
  /** Where chunks and index are kept. */
  storage: ObjectStorage;
}

/** Loki in its distributed form (R2): logs in, LogQL out, chunks and index in object storage. */
export class Loki extends pulumi.ComponentResource {
  /** Address for pushing and querying inside the cluster; its gateway asks for a user, by HTTP Basic credentials. */
  readonly url: pulumi.Output<string>;
  /** Tenant that the cluster's own logs are written to. */
  readonly tenant: pulumi.Output<string>;

  constructor(name: string, args: LokiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Loki", name, {}, opts);
    const { release } = new HelmRelease(
      releases.loki,
      {
        settings: args.settings,
        chart: "loki",
        namespace: args.namespaces.name("loki"),
        values: lokiValues(args.settings),
      },
      {
        parent: this,
        dependsOn: [...args.crds, ...args.access.readyFor("loki"), ...args.storage.readyFor("loki")],
      },
    );
    this.url = release.urn.apply(() => urls(args.settings).loki);
    this.tenant = pulumi.output(tenants.logs);
    this.registerOutputs({ url: this.url, tenant: this.tenant });
  }
}
