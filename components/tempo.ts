import * as pulumi from "@pulumi/pulumi";
import { releases, urls } from "../names";
import { tempoValues } from "../values/tempo";
import type { ComponentArgs } from "./args";
import { HelmRelease } from "./helm-release";
import type { ObjectStorage } from "./object-storage";

export interface TempoArgs extends ComponentArgs {
  /** Where trace blocks are kept. */
  storage: ObjectStorage;
}

/** Tempo in its distributed form (R4): traces in, TraceQL out, blocks in object storage, metrics of spans to Mimir. */
export class Tempo extends pulumi.ComponentResource {
  /** Address for searching inside the cluster; its gateway asks for a user, by HTTP Basic credentials. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: TempoArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Tempo", name, {}, opts);
    const { release } = new HelmRelease(
      releases.tempo,
      {
        settings: args.settings,
        chart: "tempo-distributed",
        namespace: args.namespaces.name("tempo"),
        values: tempoValues(args.settings),
      },
      {
        parent: this,
        dependsOn: [...args.crds, ...args.access.readyFor("tempo"), ...args.storage.readyFor("tempo")],
      },
    );
    this.url = release.urn.apply(() => urls(args.settings).tempo);
    this.registerOutputs({ url: this.url });
  }
}
