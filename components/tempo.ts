import * as pulumi from "@pulumi/pulumi";
import { releases, urls } from "../names";
import { tempoValues } from "../values/tempo";
import { type ComponentArgs, childNames, knownSettings } from "./args";
import { HelmRelease } from "./helm-release";
import type { ObjectStorage } from "./object-storage";

export interface TempoArgs extends ComponentArgs<"tempo"> {
  /** Storage of trace blocks. */
  storage: ObjectStorage;
}

/**
 * Tempo in its distributed mode: traces in, TraceQL out, blocks in object storage, metrics generated from spans to
 * Mimir.
 */
export class Tempo extends pulumi.ComponentResource {
  /** URL for searches inside the cluster; its gateway requires basic-auth credentials. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: TempoArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Tempo", name, {}, opts);
    const known = knownSettings(args);
    const { release } = new HelmRelease(
      childNames(name, "tempo")(releases.tempo),
      {
        settings: args.settings,
        release: releases.tempo,
        chart: "tempo-distributed",
        namespace: args.namespaces.tempo,
        values: known.apply(tempoValues),
      },
      {
        parent: this,
        dependsOn: [
          ...(args.crds ?? []),
          ...args.access.readyFor("tempo"),
          ...args.storage.readyFor("tempo"),
        ],
      },
    );
    this.url = release.urn.apply(() => known).apply((settings) => urls(settings).tempo);
    this.registerOutputs({ url: this.url });
  }
}
