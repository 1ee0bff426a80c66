import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { namespaces } from "../../support/names";
import { type Fault, fieldFault } from "../fault";

/** A key and a certificate that expired in 2020. */
function expired(): { certificate: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "observability-fault-"));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  try {
    openssl(
      "req",
      "-new",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      file("key"),
      "-subj",
      "/CN=expired",
      "-out",
      file("csr"),
    );
    const dates = ["-days", "-1"];
    openssl("x509", "-req", "-in", file("csr"), "-signkey", file("key"), ...dates, "-out", file("crt"));
    const text = (name: string) => readFileSync(file(name)).toString("base64");
    return { certificate: text("crt"), key: text("key") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The OpenTelemetry operator's webhook serves an expired certificate. */
export const fault: Fault = {
  name: "expired-certificate",
  ...fieldFault(
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        namespace: namespaces.opentelemetry,
        name: "opentelemetry-operator-controller-manager-service-cert",
      },
    },
    ["data"],
    (data: Record<string, string>) => {
      const { certificate, key } = expired();
      return { ...data, "tls.crt": certificate, "tls.key": key };
    },
  ),
  expected:
    /certificate opentelemetry\/opentelemetry-operator-controller-manager-service-cert \(tls\.crt\) expired/,
  page: "docs/guides/tls.md",
};
