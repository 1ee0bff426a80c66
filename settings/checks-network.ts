/** Rules about TLS. */
import { type Check, problem } from "./check";
import { isCa } from "./network";

const tlsIssuer: Check = ({ network: { tls } }) => {
  const { certificates, issuer, caCertificate } = tls;
  if (issuer && certificates !== "certManager")
    return problem(
      true,
      "network.tls.issuer",
      issuer,
      "nothing, because network.tls.certificates is not certManager",
    );
  return [
    ...problem(
      issuer !== undefined && caCertificate === undefined,
      "network.tls.caCertificate",
      caCertificate,
      "the CA certificates of network.tls.issuer, as PEM text",
    ),
    ...problem(
      caCertificate !== undefined && !isCa(caCertificate),
      "network.tls.caCertificate",
      "[PEM]",
      "CA certificates as PEM text, and nothing else",
    ),
    ...problem(
      issuer === undefined && caCertificate !== undefined,
      "network.tls.caCertificate",
      "[PEM]",
      "nothing, because network.tls.issuer is not set",
    ),
  ];
};

const privateCas: Check = ({ network: { privateCa } }) =>
  problem(
    privateCa !== undefined && !isCa(privateCa),
    "network.privateCa",
    "[PEM]",
    "CA certificates as PEM text, and nothing else",
  );

/** Rules about TLS. */
export const networkChecks: Check[] = [tlsIssuer, privateCas];
