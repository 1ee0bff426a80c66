import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { grafanaEnv, keyOrigin, grafana as names, namespaceKey, releases, servedUrls } from "../names";
import { refuseInvalid } from "../settings";
import { dashboardConfigMaps } from "../values/dashboards";
import { grafanaSecrets, grafanaValues } from "../values/grafana";
import { dashboardReader } from "../values/grafana-dashboards";
import { type ComponentArgs, childNames, knownSettings, type TlsArgs } from "./args";
import { HelmRelease } from "./helm-release";

export interface GrafanaArgs extends ComponentArgs<"grafana" | "monitoring">, TlsArgs {}

/** Grafana with its data sources, dashboards and login. It does not wait for the stores. */
export class Grafana extends pulumi.ComponentResource {
  /** Address of Grafana inside the cluster. */
  readonly url: pulumi.Output<string>;
  /** Name of the admin user, which can log in only in dev. */
  readonly adminUser: pulumi.Output<string>;
  /** Password of the admin user; secret. */
  readonly adminPassword: pulumi.Output<string>;

  constructor(name: string, args: GrafanaArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Grafana", name, {}, opts);
    const { settings, namespaces, crds = [], access } = args;
    refuseInvalid(settings, "grafana");
    const namespace = namespaces.grafana;
    const named = childNames(name, "grafana");
    const known = knownSettings(args);
    const own = { parent: this };
    const password = new random.RandomPassword(named("grafana-admin"), { length: 32, special: false }, own);
    const given = settings.grafana.secretKey;
    // Secrets in Grafana's database can only be decrypted with the key that encrypted them.
    const secretKey = new random.RandomPassword(
      named("grafana-secret-key"),
      { length: 32, special: false },
      { parent: this, protect: settings.cluster.protect },
    );
    const secret = (
      secretName: string,
      stringData: Record<string, pulumi.Input<string>>,
      annotations?: Record<string, string>,
    ) =>
      new k8s.core.v1.Secret(
        named(secretName),
        { metadata: { name: secretName, namespace, ...(annotations && { annotations }) }, stringData },
        own,
      );
    const secrets = [
      secret(names.adminSecret, { "admin-user": names.adminUser, "admin-password": password.result }),
      secret(
        names.secret,
        {
          [grafanaEnv.secretKey]: given ? pulumi.secret(given.reveal()) : secretKey.result,
          ...Object.fromEntries(
            Object.entries(grafanaSecrets(settings)).map(([key, value]) => [key, pulumi.secret(value)]),
          ),
        },
        { [keyOrigin.annotation]: given ? keyOrigin.given : keyOrigin.generated },
      ),
    ];
    const readers = dashboardReader(settings).flatMap(({ namespace: of, role, binding }) => {
      const key = namespaceKey(settings, of);
      const metadata = { ...role.metadata, namespace: (key && namespaces[key]) ?? of };
      const subjects = binding.subjects.map((subject) => ({ ...subject, namespace }));
      const child = named(`grafana-dashboards-${of}`);
      return [
        new k8s.rbac.v1.Role(child, { ...role, metadata }, own),
        new k8s.rbac.v1.RoleBinding(child, { ...binding, metadata, subjects }, own),
      ];
    });
    const dashboards = known.apply(dashboardConfigMaps);
    dashboardConfigMaps(settings).forEach(({ metadata }, index) => {
      new k8s.core.v1.ConfigMap(
        named(metadata.name),
        { metadata: { ...metadata, namespace }, data: dashboards.apply((all) => all[index]?.data ?? {}) },
        own,
      );
    });
    const { release } = new HelmRelease(
      named(releases.grafana),
      {
        settings,
        release: releases.grafana,
        chart: "grafana",
        namespace,
        values: known.apply(grafanaValues),
      },
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
    this.url = release.urn.apply(() => known).apply((all) => servedUrls(all).grafana);
    this.adminUser = pulumi.output(names.adminUser);
    this.adminPassword = password.result;
    this.registerOutputs({ url: this.url });
  }
}
