import { X509Certificate } from "node:crypto";
import { ApisApi } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { type Settings, UserError } from "../settings";
import { kubeConfig } from "./kube-config";

/** Names of the API groups that a cluster serves. @throws UserError where it does not answer */
async function apiGroups(settings: Settings): Promise<string[]> {
  try {
    const { groups } = await kubeConfig(settings).makeApiClient(ApisApi).getAPIVersions();
    return groups.map(({ name }) => name);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `network.tls.certificates: is certManager, and the cluster does not tell whether it has one: ${(error as Error).message}`,
    );
  }
}

/** Whether a PEM text holds certificates of CAs and nothing else. */
function isCa(pem: string): boolean {
  try {
    const blocks = pem.match(/-----BEGIN [\s\S]*?-----END [^-]*-----/g) ?? [];
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).ca);
  } catch {
    return false;
  }
}

/**
 * Makes sure that the cluster knows cert-manager's objects where they are wanted. Without an engine (`obs render`, unit
 * tests) no cluster is asked.
 *
 * @throws UserError where it does not know them, or the CA certificate that was given is none, before anything is touched
 */
export async function needsCertManager(settings: Settings): Promise<void> {
  const { caCertificate } = settings.network.tls;
  if (caCertificate !== undefined && !isCa(caCertificate))
    throw new UserError(
      "network.tls.caCertificate: is not the certificate of a CA; allowed: certificates of CAs as PEM text, and nothing else",
    );
  if (settings.network.tls.certificates !== "certManager" || !pulumi.runtime.hasEngine()) return;
  if ((await apiGroups(settings)).includes("cert-manager.io")) return;
  throw new UserError(
    "network.tls.certificates: is certManager, and the cluster does not know its objects (API group cert-manager.io); " +
      "allowed: certManager where cert-manager is installed, or ownCa\n" +
      "    change it with: pulumi config set --path 'network.tls.certificates' ownCa, or install cert-manager first",
  );
}
