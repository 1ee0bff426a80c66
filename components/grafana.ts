import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { grafanaEnv, grafana as names, namespaces as namespaceNames, releases, servedUrls } from "../names";
import { dashboardConfigMaps } from "../values/dashboards";
import { dashboardReader, grafanaSecrets, grafanaValues } from "../values/grafana";
import type { ComponentArgs } from "./args";
import { HelmRelease } from "./helm-release";

/** Grafana (R8) with its datasources, its dashboards and who gets in. It does not wait for what it reads. */
export class Grafana extends pulumi.ComponentResource {
  /** Address of Grafana inside the cluster. */
  readonly url: pulumi.Output<string>;
  /** Name of the admin user; it can log in in dev only. */
  readonly adminUser: pulumi.Output<string>;
  /** Password of the admin user; secret. */
  readonly adminPassword: pulumi.Output<string>;

  constructor(name: string, args: ComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Grafana", name, {}, opts);
    const { settings, namespaces, crds, access } = args;
    const namespace = namespaces.name("grafana");
    const own = { parent: this };
    const password = new random.RandomPassword("grafana-admin", { length: 32, special: false }, own);
    const given = settings.grafana.secretKey;
    // What it encrypted in Grafana's database could not be read with another one.
    const secretKey = new random.RandomPassword(
      "grafana-secret-key",
      { length: 32, special: false },
      { parent: this, protect: settings.cluster.protect },
    );
    const secret = (secretName: string, stringData: Record<string, pulumi.Input<string>>) =>
      new k8s.core.v1.Secret(secretName, { metadata: { name: secretName, namespace }, stringData }, own);
    const secrets = [
      secret(names.adminSecret, { "admin-user": names.adminUser, "admin-password": password.result }),
      secret(names.secret, {
        [grafanaEnv.secretKey]: given ? pulumi.secret(given.reveal()) : secretKey.result,
        ...Object.fromEntries(
          Object.entries(grafanaSecrets(settings)).map(([key, value]) => [key, pulumi.secret(value)]),
        ),
      }),
    ];
    const readers = dashboardReader(settings).flatMap(({ namespace: of, role, binding }) => {
      // Of the namespaces that are not ours it is known only that they are named.
      const dependsOn = Object.values(namespaceNames(settings)).some((ours) => ours === of)
        ? [namespaces]
        : [];
      return [
        new k8s.rbac.v1.Role(`grafana-dashboards-${of}`, role, { parent: this, dependsOn }),
        new k8s.rbac.v1.RoleBinding(`grafana-dashboards-${of}`, binding, { parent: this, dependsOn }),
      ];
    });
    for (const { metadata, data } of dashboardConfigMaps(settings))
      new k8s.core.v1.ConfigMap(metadata.name, { metadata: { ...metadata, namespace }, data }, own);
    const { release } = new HelmRelease(
      releases.grafana,
      { settings, chart: "grafana", namespace, values: grafanaValues(settings) },
      {
        parent: this,
        dependsOn: [
          ...secrets,
          ...readers,
          ...crds,
          ...access.readyFor("grafana"),
          ...args.certificates.readyFor("grafana"),
        ],
      },
    );
    this.url = release.urn.apply(() => servedUrls(settings).grafana);
    this.adminUser = pulumi.output(names.adminUser);
    this.adminPassword = password.result;
    this.registerOutputs({ url: this.url });
  }
}
