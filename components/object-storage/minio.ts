import * as k8s from "@pulumi/kubernetes";
import * as minioProvider from "@pulumi/minio";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { keyOrigin, minio, servedUrls } from "../../names";
import { coldTierJob, coldTierOf } from "../../values/cold-tier";
import { minioClaims, minioMonitor, minioValues } from "../../values/minio";
import { childNames, knownSettings } from "../args";
import { HelmRelease } from "../helm-release";
import type { StackStorageArgs } from "./args";
import { Buckets, type Users } from "./buckets";
import { ColdTier } from "./cold-tier";
import { reach } from "./s3";

/** MinIO from its chart, with its volumes, its secrets, its buckets and their users. */
export class Minio extends pulumi.ComponentResource {
  /** Name of the root user. */
  readonly rootUser: pulumi.Output<string>;
  /** Password of the root user; secret. */
  readonly rootPassword: pulumi.Output<string>;
  /** Address of the console inside the cluster. */
  readonly consoleUrl: pulumi.Output<string>;
  /** Each consumer's own user, and those of backups and restores. */
  readonly users: Users;

  constructor(name: string, args: StackStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Minio", name, {}, opts);
    const { settings, gate } = args;
    const { cluster } = settings;
    const given = settings.objectStorage.minio.encryptionKey;
    const namespace = args.namespaces.minio;
    const named = childNames(name, "minio");
    const known = knownSettings(args);
    const own = { parent: this };
    const kept = { parent: this, protect: cluster.protect };

    const password = new random.RandomPassword(named("minio-root"), { length: 32, special: false }, own);
    const generatedKey = new random.RandomBytes(named("minio-encryption"), { length: 32 }, kept);
    const key = given ? pulumi.secret(given.reveal()) : generatedKey.base64;

    const rootSecret = new k8s.core.v1.Secret(
      named(minio.rootSecret),
      {
        metadata: { name: minio.rootSecret, namespace },
        stringData: { rootUser: minio.rootUser, rootPassword: password.result },
      },
      own,
    );
    const encryptionSecret = new k8s.core.v1.Secret(
      named(minio.encryptionSecret),
      {
        metadata: {
          name: minio.encryptionSecret,
          namespace,
          annotations: { [keyOrigin.annotation]: given ? keyOrigin.given : keyOrigin.generated },
        },
        stringData: {
          "config.env": pulumi.interpolate`export MINIO_KMS_SECRET_KEY="${minio.encryptionKey}:${key}"\n`,
        },
      },
      kept,
    );
    const claims = minioClaims(settings).map(
      ({ name: claim, size }) =>
        new k8s.core.v1.PersistentVolumeClaim(
          named(claim),
          {
            metadata: {
              name: claim,
              namespace,
              annotations: {
                // Do not wait for a volume that is bound only when a pod uses it.
                "pulumi.com/skipAwait": "true",
                // The StatefulSet recreates a deleted PVC with the size in its template. Kubernetes regards the
                // StatefulSet's controller as the owner of that size, and would reject the larger one.
                "pulumi.com/patchForce": "true",
              },
            },
            spec: {
              accessModes: ["ReadWriteOnce"],
              resources: { requests: { storage: size } },
              ...(cluster.storageClass && { storageClassName: cluster.storageClass }),
            },
          },
          kept,
        ),
    );
    const { release } = new HelmRelease(
      named(minio.release),
      { settings, release: minio.release, chart: "minio", namespace, values: known.apply(minioValues) },
      {
        parent: this,
        dependsOn: [rootSecret, encryptionSecret, ...claims, ...args.certificates.readyFor("minio")],
      },
    );

    const { metadata, ...monitor } = minioMonitor(settings);
    new k8s.apiextensions.CustomResource(
      named("minio-monitor"),
      { ...monitor, metadata: { ...metadata, namespace } },
      { parent: this, dependsOn: args.crds ?? [] },
    );

    // Known in every preview; an update returns it only after MinIO is ready and accepts the password.
    const endpoint =
      gate && !pulumi.runtime.isDryRun()
        ? pulumi.unsecret(
            pulumi.all([password.result, release.urn]).apply(([secret]) => reach(settings, gate, secret)),
          )
        : gate?.endpoint;
    const provider = new minioProvider.Provider(
      named("minio"),
      {
        minioServer: endpoint ?? "",
        minioUser: minio.rootUser,
        minioPassword: password.result,
        minioSsl: true,
        ...(gate && { minioCacertFile: gate.certificate }),
      },
      own,
    );
    const buckets = new Buckets(
      named("buckets"),
      { settings, release, namespace, existing: args.found?.buckets ?? [] },
      { parent: this, providers: [provider] },
    );
    const tier = coldTierOf(settings);
    if (tier) {
      const job = coldTierJob(settings, tier);
      new ColdTier(named("cold-tier"), { tier, job, namespace, after: [rootSecret, ...buckets.ready] }, own);
    }

    this.users = buckets.users;
    this.rootUser = pulumi.output(minio.rootUser);
    this.rootPassword = password.result;
    this.consoleUrl = known.apply((all) => servedUrls(all).minioConsole);
    this.registerOutputs({ consoleUrl: this.consoleUrl, namespace });
  }
}
