import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A self-signed certificate that no server uses. */
export function aCertificate(ca: boolean): string {
  const folder = mkdtempSync(join(tmpdir(), "observability-ca-"));
  try {
    const out = join(folder, "ca.pem");
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
        ...["-subj", "/CN=test", "-keyout", join(folder, "key.pem"), "-out", out],
        ...["-addext", `basicConstraints=critical,CA:${ca ? "TRUE" : "FALSE"}`],
      ],
      { stdio: "pipe" },
    );
    return readFileSync(out, "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
