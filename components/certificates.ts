import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  caBundle,
  certificates,
  type NamespaceKey,
  namespaces as namespaceNames,
  type Served,
} from "../names";
import type { Settings } from "../settings";
import { routedNamespaces } from "../values/ingress-tls";
import { connectingOutside, privateCaConfigMap } from "../values/outside";
import { certificateObject, dnsNames, issuerObject, ownIssuer, served, trusting } from "../values/tls";
import { childNames, knownSettings, type NamespaceNames, present } from "./args";
import { authority, type Identity, type Signer, signed } from "./own-ca";

export interface CertificatesArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** Names of the namespaces of servers and their clients. */
  namespaces: NamespaceNames;
}

/**
 * Certificates for TLS servers, and the CA certificate for their clients, as configured in `network.tls`; nothing if
 * that is off.
 *
 * The key of the stack's own CA is only in the stack's state, as a secret. cert-manager's issuers get an intermediate
 * CA.
 */
export class Certificates extends pulumi.ComponentResource {
  /** The CA certificate, as PEM text; public. Undefined without TLS. */
  readonly caCertificate: pulumi.Output<string> | undefined;
  private readonly named: (child: string) => string;
  private readonly made = new Map<NamespaceKey, pulumi.Resource[]>();

  constructor(
    name: string,
    { settings, namespaces }: CertificatesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("observability:index:Certificates", name, {}, opts);
    this.named = childNames(name, "certificates");
    const own = { parent: this };
    const { certificates: kind, issuer, caCertificate } = settings.network.tls;
    const add = (key: NamespaceKey, resource: pulumi.Resource) =>
      this.made.set(key, [...(this.made.get(key) ?? []), resource]);
    const keep = (
      who: Served,
      namespace: pulumi.Input<string>,
      secret: string,
      { key, certificate }: Identity,
    ) =>
      new k8s.core.v1.Secret(
        this.named(`${who}-${secret}`),
        {
          metadata: { name: secret, namespace },
          type: "kubernetes.io/tls",
          stringData: { "tls.key": key, "tls.crt": certificate },
        },
        own,
      );

    const signer: Signer = { parent: this, named: this.named };
    const ca = kind === "none" || issuer ? undefined : authority(signer, settings.cluster.name);
    for (const [who, namespace] of present(namespaces, served(settings))) {
      const { secret } = certificates[who];
      const known = knownSettings({ settings, namespaces });
      if (kind === "ownCa" && ca) {
        const server = { dnsNames: known.apply((all) => dnsNames(all, who)) };
        add(who, keep(who, namespace, secret, signed(signer, secret, ca, server)));
        continue;
      }
      const dependsOn = ca
        ? [
            this.issuer(
              settings,
              who,
              namespace,
              keep(who, namespace, ownIssuer, signed(signer, `${secret}-issuer`, ca)),
            ),
          ]
        : [];
      const { metadata, ...certificate } = certificateObject(settings, who);
      add(
        who,
        new k8s.apiextensions.CustomResource(
          this.named(secret),
          {
            ...certificate,
            metadata: { ...metadata, namespace },
            spec: known.apply((all) => certificateObject(all, who).spec),
          },
          { parent: this, dependsOn },
        ),
      );
    }

    this.caCertificate = ca?.certificate ?? (caCertificate ? pulumi.output(caCertificate) : undefined);
    this.handPrivate(settings, namespaces, add);
    if (this.caCertificate) this.hand(this.caCertificate, settings, namespaces, add);
    this.registerOutputs({});
  }

  /** Resources that must exist before pods of a namespace start. */
  readyFor(namespace: NamespaceKey): pulumi.Resource[] {
    return this.made.get(namespace) ?? [];
  }

  /** cert-manager's issuer in a namespace. */
  private issuer(
    settings: Settings,
    who: Served,
    namespace: pulumi.Input<string>,
    secret: pulumi.Resource,
  ): pulumi.Resource {
    const { metadata, ...issuer } = issuerObject(settings, who);
    return new k8s.apiextensions.CustomResource(
      this.named(`${who}-${ownIssuer}`),
      { ...issuer, metadata: { ...metadata, namespace } },
      { parent: this, dependsOn: secret },
    );
  }

  /** Distributes the private CAs to clients of servers outside the cluster. */
  private handPrivate(
    settings: Settings,
    namespaces: NamespaceNames,
    add: (key: NamespaceKey, resource: pulumi.Resource) => void,
  ): void {
    const configMap = privateCaConfigMap(settings);
    if (!configMap) return;
    const { name, data } = configMap;
    for (const [key, namespace] of present(namespaces, connectingOutside(settings)))
      add(
        key,
        new k8s.core.v1.ConfigMap(
          this.named(`${namespaceNames(settings)[key]}-${name}`),
          { metadata: { name, namespace }, data },
          { parent: this },
        ),
      );
  }

  /** Distributes the CA certificate to the namespaces of clients. */
  private hand(
    pem: pulumi.Output<string>,
    settings: Settings,
    namespaces: NamespaceNames,
    add: (key: NamespaceKey, resource: pulumi.Resource) => void,
  ): void {
    const content = { [caBundle.file]: pem };
    const bundle = (namespace: pulumi.Input<string>, key: string) =>
      new k8s.core.v1.ConfigMap(
        this.named(`${key}-${caBundle.name}`),
        { metadata: { name: caBundle.name, namespace }, data: content },
        { parent: this },
      );
    const trusted = present(namespaces, trusting(settings));
    for (const [key, namespace] of trusted) add(key, bundle(namespace, namespaceNames(settings)[key]));
    const ours = trusted.map(([key]): string => namespaceNames(settings)[key]);
    for (const namespace of new Set(settings.network.tls.clientNamespaces))
      if (!ours.includes(namespace)) bundle(namespace, namespace);
    const secret = (
      resource: string,
      namespace: pulumi.Input<string>,
      stringData: Record<string, pulumi.Input<string>>,
    ) =>
      new k8s.core.v1.Secret(
        this.named(resource),
        { metadata: { name: caBundle.name, namespace }, stringData },
        { parent: this },
      );
    if (!settings.hub && settings.objectStorage.kind === "minio" && namespaces.minio !== undefined)
      add("minio", secret(caBundle.name, namespaces.minio, content));
    for (const [key, namespace] of present(namespaces, routedNamespaces(settings)))
      add(key, secret(`${namespaceNames(settings)[key]}-${caBundle.name}`, namespace, { "tls.crt": pem }));
  }
}
