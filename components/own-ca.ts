/** The stack's own CA, and its certificates. Its key is only in the stack's state, as a secret. */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { lifetimes } from "../values/tls";

/** A private key with its certificate. */
export interface Identity {
  key: pulumi.Output<string>;
  certificate: pulumi.Output<string>;
}

/** A key and a certificate signed by the CA. */
export interface Signed extends Identity {
  /** When the certificate expires, in the format of RFC 3339. */
  expires: pulumi.Output<string>;
}

/** The component that owns the keys and certificates, and their names. */
export interface Signer {
  parent: pulumi.Resource;
  named: (child: string) => string;
}

const ecdsa = { algorithm: "ECDSA", ecdsaCurve: "P256" };
const signsCertificates = ["cert_signing", "crl_signing"];

/** The CA itself. */
export function authority({ parent, named }: Signer, cluster: string): Identity {
  const { privateKeyPem } = new tls.PrivateKey(named("ca"), ecdsa, { parent });
  const { certPem } = new tls.SelfSignedCert(
    named("ca"),
    {
      privateKeyPem,
      subject: { commonName: `observability ${cluster}`, organization: "observability" },
      isCaCertificate: true,
      setSubjectKeyId: true,
      setAuthorityKeyId: true,
      allowedUses: signsCertificates,
      ...lifetimes.ca,
    },
    // Its inputs contain the key, its certificate does not. With another name, it would no longer verify its certificates.
    { parent, ignoreChanges: ["subject"] },
  );
  return { key: privateKeyPem, certificate: pulumi.unsecret(certPem) };
}

/** The names of a server that clients verify in its certificate, or the name of a client. */
export type Holder = { dnsNames: pulumi.Input<string[]>; ipAddresses?: string[] } | { client: string };

/** Allowed uses of a certificate. */
const uses = (holder: Holder | undefined) => {
  if (!holder) return { allowedUses: signsCertificates, isCaCertificate: true, ...lifetimes.issuer };
  const use = "client" in holder ? "client_auth" : "server_auth";
  return { allowedUses: ["digital_signature", use], ...lifetimes.server };
};

/** A certificate signed by the CA: a holder's, or without a holder that of an intermediate CA, with the whole chain. */
export function signed({ parent, named }: Signer, name: string, ca: Identity, holder?: Holder): Signed {
  const child = named(name);
  const server = holder && "dnsNames" in holder ? holder : undefined;
  const client = holder && "client" in holder ? holder.client : undefined;
  const first = server && pulumi.output(server.dnsNames).apply(([one = name]) => one);
  const { privateKeyPem } = new tls.PrivateKey(child, ecdsa, { parent });
  const { certRequestPem } = new tls.CertRequest(
    child,
    {
      privateKeyPem,
      subject: { commonName: client ?? first ?? name },
      ...server,
    },
    { parent },
  );
  const { certPem, validityEndTime } = new tls.LocallySignedCert(
    child,
    {
      caPrivateKeyPem: ca.key,
      caCertPem: ca.certificate,
      certRequestPem,
      setSubjectKeyId: true,
      ...uses(holder),
    },
    { parent },
  );
  return {
    key: privateKeyPem,
    certificate: holder ? certPem : pulumi.interpolate`${certPem}${ca.certificate}`,
    expires: validityEndTime,
  };
}
