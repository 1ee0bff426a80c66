import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import {
  caBundle,
  certificates,
  type NamespaceKey,
  namespaces as namespaceNames,
  type Served,
} from "../names";
import type { Settings } from "../settings";
import { connectingOutside, privateCaConfigMap } from "../values/outside";
import {
  certificateObject,
  dnsNames,
  issuerObject,
  lifetimes,
  ownIssuer,
  served,
  trusting,
} from "../values/tls";
import type { Namespaces } from "./namespaces";

export interface CertificatesArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** The stack's namespaces. */
  namespaces: Namespaces;
}

/** A private key with its certificate. */
interface Identity {
  key: pulumi.Output<string>;
  certificate: pulumi.Output<string>;
}

const ecdsa = { algorithm: "ECDSA", ecdsaCurve: "P256" };
const signsCertificates = ["cert_signing", "crl_signing"];

/**
 * Certificates for those who are served by TLS, and the CA's for those who verify them, as `network.tls` says; where
 * that is off, nothing.
 *
 * The key of the stack's own CA stands in the stack's state only, as a secret. cert-manager's issuers get a CA below it.
 */
export class Certificates extends pulumi.ComponentResource {
  /** What certificates are verified with, as PEM text; public. Nothing where there is no TLS. */
  readonly caCertificate: pulumi.Output<string> | undefined;
  private readonly made = new Map<NamespaceKey, pulumi.Resource[]>();

  constructor(
    name: string,
    { settings, namespaces }: CertificatesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("observability:index:Certificates", name, {}, opts);
    const own = { parent: this };
    const { certificates: kind, issuer, caCertificate } = settings.network.tls;
    const wanted = served(settings);
    const add = (key: NamespaceKey, resource: pulumi.Resource) =>
      this.made.set(key, [...(this.made.get(key) ?? []), resource]);
    const keep = (who: Served, secret: string, { key, certificate }: Identity) =>
      new k8s.core.v1.Secret(
        `${who}-${secret}`,
        {
          metadata: { name: secret, namespace: namespaces.name(who) },
          type: "kubernetes.io/tls",
          stringData: { "tls.key": key, "tls.crt": certificate },
        },
        own,
      );

    const ca = kind === "none" || issuer ? undefined : this.authority(settings.cluster.name);
    for (const who of wanted) {
      const { secret } = certificates[who];
      if (kind === "ownCa" && ca) {
        add(who, keep(who, secret, this.signed(secret, ca, { dnsNames: dnsNames(settings, who) })));
        continue;
      }
      const dependsOn = ca
        ? [this.issuer(settings, who, keep(who, ownIssuer, this.signed(`${secret}-issuer`, ca)))]
        : [namespaces];
      const { metadata, ...certificate } = certificateObject(settings, who);
      add(
        who,
        new k8s.apiextensions.CustomResource(
          secret,
          { ...certificate, metadata: { ...metadata, namespace: namespaces.name(who) } },
          { parent: this, dependsOn },
        ),
      );
    }

    this.caCertificate = ca?.certificate ?? (caCertificate ? pulumi.output(caCertificate) : undefined);
    this.handPrivate(settings, namespaces, add);
    if (this.caCertificate) this.hand(this.caCertificate, settings, namespaces, add);
    this.registerOutputs({});
  }

  /** What has to be there before pods of a namespace start. */
  readyFor(namespace: NamespaceKey): pulumi.Resource[] {
    return this.made.get(namespace) ?? [];
  }

  /** The stack's own CA. */
  private authority(cluster: string): Identity {
    const { privateKeyPem } = new tls.PrivateKey("ca", ecdsa, { parent: this });
    const { certPem } = new tls.SelfSignedCert(
      "ca",
      {
        privateKeyPem,
        subject: { commonName: `observability ${cluster}`, organization: "observability" },
        isCaCertificate: true,
        setSubjectKeyId: true,
        setAuthorityKeyId: true,
        allowedUses: signsCertificates,
        ...lifetimes.ca,
      },
      // Its inputs hold the key, its certificate does not.
      { parent: this },
    );
    return { key: privateKeyPem, certificate: pulumi.unsecret(certPem) };
  }

  /** What the CA has signed: a server's certificate by its names, or without names a CA below it, with the whole chain. */
  private signed(name: string, ca: Identity, server?: { dnsNames: string[] }): Identity {
    const { privateKeyPem } = new tls.PrivateKey(name, ecdsa, { parent: this });
    const { certRequestPem } = new tls.CertRequest(
      name,
      { privateKeyPem, subject: { commonName: server?.dnsNames[0] ?? name }, ...server },
      { parent: this },
    );
    const { certPem } = new tls.LocallySignedCert(
      name,
      {
        caPrivateKeyPem: ca.key,
        caCertPem: ca.certificate,
        certRequestPem,
        setSubjectKeyId: true,
        ...(server
          ? { allowedUses: ["digital_signature", "server_auth"], ...lifetimes.server }
          : { allowedUses: signsCertificates, isCaCertificate: true, ...lifetimes.issuer }),
      },
      { parent: this },
    );
    return {
      key: privateKeyPem,
      certificate: server ? certPem : pulumi.interpolate`${certPem}${ca.certificate}`,
    };
  }

  /** cert-manager's issuer in a namespace. */
  private issuer(settings: Settings, who: Served, secret: pulumi.Resource): pulumi.Resource {
    return new k8s.apiextensions.CustomResource(`${who}-${ownIssuer}`, issuerObject(settings, who), {
      parent: this,
      dependsOn: secret,
    });
  }

  /** Gives the private CAs to those who connect to servers outside the cluster. */
  private handPrivate(
    settings: Settings,
    namespaces: Namespaces,
    add: (key: NamespaceKey, resource: pulumi.Resource) => void,
  ): void {
    const configMap = privateCaConfigMap(settings);
    if (!configMap) return;
    const { name, data } = configMap;
    for (const key of connectingOutside(settings))
      add(
        key,
        new k8s.core.v1.ConfigMap(
          `${namespaceNames(settings)[key]}-${name}`,
          { metadata: { name, namespace: namespaces.name(key) }, data },
          { parent: this },
        ),
      );
  }

  /** Gives the CA certificate to those who verify with it. */
  private hand(
    pem: pulumi.Output<string>,
    settings: Settings,
    namespaces: Namespaces,
    add: (key: NamespaceKey, resource: pulumi.Resource) => void,
  ): void {
    const content = { [caBundle.file]: pem };
    const bundle = (namespace: pulumi.Input<string>, key: string) =>
      new k8s.core.v1.ConfigMap(
        `${key}-${caBundle.name}`,
        { metadata: { name: caBundle.name, namespace }, data: content },
        { parent: this },
      );
    const trusted = trusting(settings);
    for (const key of trusted) add(key, bundle(namespaces.name(key), namespaceNames(settings)[key]));
    const ours = trusted.map((key): string => namespaceNames(settings)[key]);
    for (const namespace of new Set(settings.network.tls.clientNamespaces))
      if (!ours.includes(namespace)) bundle(namespace, namespace);
    if (!settings.hub && settings.objectStorage.kind === "minio")
      add(
        "minio",
        new k8s.core.v1.Secret(
          caBundle.name,
          { metadata: { name: caBundle.name, namespace: namespaces.name("minio") }, stringData: content },
          { parent: this },
        ),
      );
  }
}
