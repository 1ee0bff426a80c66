/** A CA of a test, and the certificates that it signs, created with openssl. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A certificate and its key, as PEM texts. */
export interface Pair {
  cert: string;
  key: string;
}

export class Authority {
  readonly certificate: string;

  /** Creates one in a folder. */
  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    this.openssl(
      "req",
      "-x509",
      ...newKey,
      "-days",
      "1",
      "-subj",
      `/CN=${name}`,
      ...this.files("-keyout", "-out"),
    );
    this.certificate = readFileSync(join(folder, `${name}.crt`), "utf8");
  }

  private openssl(...args: string[]): void {
    execFileSync("openssl", args, { cwd: this.folder, stdio: "pipe" });
  }

  private files(key: string, certificate: string): string[] {
    return [key, `${this.name}.key`, certificate, `${this.name}.crt`];
  }

  /** @param days validity; negative if it has expired */
  issue(name: string, extensions: string, days = 1): Pair {
    const path = (ending: string) => join(this.folder, `${this.name}-${name}.${ending}`);
    writeFileSync(path("ext"), extensions);
    this.openssl("req", ...newKey, "-subj", `/CN=${name}`, "-keyout", path("key"), "-out", path("csr"));
    this.openssl(
      ...["x509", "-req", "-in", path("csr"), ...this.files("-CAkey", "-CA"), "-CAcreateserial"],
      ...["-days", String(days), "-extfile", path("ext"), "-out", path("crt")],
    );
    return { cert: readFileSync(path("crt"), "utf8"), key: readFileSync(path("key"), "utf8") };
  }

  /** A client's certificate. */
  client(name: string, days = 1): Pair {
    return this.issue(name, "extendedKeyUsage=clientAuth\n", days);
  }

  /** A server's certificate for loopback. */
  server(name: string): Pair {
    return this.issue(name, "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
  }
}
