/** The stack's own CA, and what it signs. Its key stands in the stack's state only, as a secret. */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { lifetimes } from "../values/tls";

/** A private key with its certificate. */
export interface Identity {
  key: pulumi.Output<string>;
  certificate: pulumi.Output<string>;
}

/** The component that has the keys and certificates, and its names for them. */
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
    // Its inputs hold the key, its certificate does not.
    { parent },
  );
  return { key: privateKeyPem, certificate: pulumi.unsecret(certPem) };
}

/** What the CA has signed: a server's certificate by its names, or without names a CA below it, with the whole chain. */
export function signed(
  { parent, named }: Signer,
  name: string,
  ca: Identity,
  server?: { dnsNames: pulumi.Output<string[]> },
): Identity {
  const child = named(name);
  const { privateKeyPem } = new tls.PrivateKey(child, ecdsa, { parent });
  const { certRequestPem } = new tls.CertRequest(
    child,
    {
      privateKeyPem,
      subject: { commonName: server?.dnsNames.apply(([first = name]) => first) ?? name },
      ...server,
    },
    { parent },
  );
  const { certPem } = new tls.LocallySignedCert(
    child,
    {
      caPrivateKeyPem: ca.key,
      caCertPem: ca.certificate,
      certRequestPem,
      setSubjectKeyId: true,
      ...(server
        ? { allowedUses: ["digital_signature", "server_auth"], ...lifetimes.server }
        : { allowedUses: signsCertificates, isCaCertificate: true, ...lifetimes.issuer }),
    },
    { parent },
  );
  return {
    key: privateKeyPem,
    certificate: server ? certPem : pulumi.interpolate`${certPem}${ca.certificate}`,
  };
}
