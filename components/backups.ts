import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { backups as names } from "../names";
import { backupDestination, destinationCa, destinationSecrets } from "../values/backup-rclone";
import { backupCronJobs, backupNamespaces } from "../values/backups";
import { type ComponentArgs, placed } from "./args";
import type { ObjectStorage } from "./object-storage";

export interface BackupsArgs extends ComponentArgs<"backup" | "grafana"> {
  /** The object storage, with the users of backups and restores. */
  storage: ObjectStorage;
}

/** Scheduled backups of the buckets and of Grafana's database, if there is `backups.destination`. */
export class Backups extends pulumi.ComponentResource {
  constructor(name: string, args: BackupsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Backups", name, {}, opts);
    const { settings, namespaces, storage } = args;
    const destination = backupDestination(settings);
    if (!destination) return;
    const before: pulumi.Resource[] = [...storage.readyFor("backup"), ...storage.readyFor("restore")];
    for (const key of backupNamespaces(settings)) {
      const metadata = (object: string) => ({ name: object, namespace: namespaces[key] });
      const secrets = Object.entries(destinationSecrets(destination));
      before.push(
        new k8s.core.v1.Secret(
          `${key}-${names.destinationSecret}`,
          {
            metadata: metadata(names.destinationSecret),
            stringData: Object.fromEntries(secrets.map(([one, value]) => [one, pulumi.secret(value)])),
          },
          { parent: this },
        ),
      );
      const data = destinationCa(destination);
      if (data)
        before.push(
          new k8s.core.v1.ConfigMap(
            `${key}-${names.caConfigMap}`,
            { metadata: metadata(names.caConfigMap), data },
            { parent: this },
          ),
        );
    }
    for (const { metadata, spec } of backupCronJobs(settings))
      new k8s.batch.v1.CronJob(
        `${metadata.namespace}-${metadata.name}`,
        { metadata: { ...metadata, namespace: placed(args, metadata.namespace) }, spec },
        { parent: this, dependsOn: before },
      );
    this.registerOutputs({});
  }
}
