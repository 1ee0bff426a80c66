import * as pulumi from "@pulumi/pulumi";
import { mimirTenants, releases, urls } from "../names";
import { mimirValues } from "../values/mimir";
import { layAlertmanagerConfig } from "./alertmanager-secret";
import type { ComponentArgs } from "./args";
import { HelmRelease } from "./helm-release";
import type { ObjectStorage } from "./object-storage";

export interface MimirArgs extends ComponentArgs {
  /** Where blocks, rules and Alertmanager's state are kept. */
  storage: ObjectStorage;
}

/** Mimir in its classic distributed form (R3): metrics in by remote write or OTLP, PromQL out, blocks in object storage. */
export class Mimir extends pulumi.ComponentResource {
  /** Address for pushing and querying inside the cluster; its gateway asks for a user, by HTTP Basic credentials. */
  readonly url: pulumi.Output<string>;
  /** The tenants that the settings name, and those of the roll-ups. */
  readonly tenants: pulumi.Output<string[]>;

  constructor(name: string, args: MimirArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Mimir", name, {}, opts);
    const { settings, namespaces, crds, access, storage } = args;
    const alerting = layAlertmanagerConfig(settings, namespaces, "mimir", this);
    const { release } = new HelmRelease(
      releases.mimir,
      {
        settings,
        chart: "mimir-distributed",
        namespace: namespaces.name("mimir"),
        values: mimirValues(settings),
      },
      {
        parent: this,
        dependsOn: [alerting, ...crds, ...access.readyFor("mimir"), ...storage.readyFor("mimir")],
      },
    );
    this.url = release.urn.apply(() => urls(settings).mimir);
    this.tenants = pulumi.output(mimirTenants(settings));
    this.registerOutputs({ url: this.url, tenants: this.tenants });
  }
}
