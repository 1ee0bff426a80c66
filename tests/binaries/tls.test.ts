import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { connect, createServer, type Socket, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Client } from "minio";
import { wrapped } from "../../components/port-forward";
import { serverName } from "../../names";
import { dnsNames } from "../../values/tls";
import { runJob, withColdTier } from "../support/cold-tier";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

/** A CA and the certificate that it signs for MinIO, like the program's: ECDSA P256, the names of its Services. */
function identities(folder: string): { ca: string; stranger: string; certificates: string } {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const authority = (name: string) => {
    openssl(
      ...["req", "-x509", ...newKey, "-days", "1", "-subj", `/CN=${name}`],
      ...[
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.crt`,
      ],
    );
    return readFileSync(join(folder, `${name}.crt`), "utf8");
  };
  const ca = authority("ca");
  const stranger = authority("stranger");
  const certificates = join(folder, "certs");
  mkdirSync(join(certificates, "CAs"), { recursive: true });
  const names = [...dnsNames(settingsOf("dev"), "minio"), "localhost"].map((name) => `DNS:${name}`);
  writeFileSync(join(folder, "names"), `subjectAltName=${names.join(",")}\nextendedKeyUsage=serverAuth\n`);
  openssl("req", ...newKey, "-subj", "/CN=minio", "-keyout", "certs/private.key", "-out", "server.csr");
  openssl(
    ...["x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"],
    ...["-days", "1", "-extfile", "names", "-out", "certs/public.crt"],
  );
  writeFileSync(join(certificates, "CAs", "ca.crt"), ca);
  return { ca, stranger, certificates };
}

describe("binaries: MinIO over TLS", function () {
  this.timeout(120_000);
  let folder: string | undefined;
  let minio: Server | undefined;
  let tunnel: TcpServer | undefined;
  let port = 0;
  let ca = "";
  let stranger = "";
  const credentials = { accessKey: "root", secretKey: randomBytes(16).toString("hex") };

  before(async function () {
    const [program = ""] = needs(this, "minio");
    folder = mkdtempSync(join(tmpdir(), "observability-tls-"));
    const made = identities(folder);
    ({ ca, stranger } = made);
    port = await freePort();
    const agent = new Agent({ ca, servername: serverName("minio", "minio") });
    minio = await Server.start(
      program,
      [
        ...["server", join(folder, "data"), "--certs-dir", made.certificates],
        ...["--address", `127.0.0.1:${port}`, "--console-address", "127.0.0.1:0"],
      ],
      {
        environment: { MINIO_ROOT_USER: credentials.accessKey, MINIO_ROOT_PASSWORD: credentials.secretKey },
        ready: () =>
          new Promise((done, fail) =>
            request(`https://127.0.0.1:${port}/minio/health/ready`, { agent }, (answer) => {
              answer.resume();
              done(answer.statusCode === 200);
            })
              .on("error", fail)
              .end(),
          ),
      },
    );
  });

  after(async () => {
    tunnel?.close();
    await minio?.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  /** Forwards a plain connection to MinIO as the tunnels do, and returns the error. */
  const carry = (plain: Socket, trusted: string) =>
    new Promise<Error | undefined>((done) => {
      const carrier = wrapped(plain, { served: "minio", namespace: "minio", ca: trusted });
      const far = connect(port, "127.0.0.1");
      carrier.on("error", (error) => {
        far.destroy();
        done(error);
      });
      far.on("close", () => done(undefined));
      carrier.pipe(far).pipe(carrier);
    });

  const through = async <T>(trusted: string, action: (client: Client) => Promise<T>) => {
    const failures: (Error | undefined)[] = [];
    const server = createServer((socket) => {
      carry(socket, trusted).then((failure) => {
        failures.push(failure);
        socket.destroy();
      });
    });
    tunnel = server;
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port: local } = server.address() as { port: number };
    const plain = { endPoint: "127.0.0.1", port: local, useSSL: false, region: "us-east-1" };
    try {
      const result = await action(new Client({ ...plain, ...credentials })).catch((error: Error) => error);
      return { result, failures };
    } finally {
      server.close();
    }
  };

  it("a client of plain S3 writes and reads through the TLS end of the tunnel", async () => {
    const content = randomBytes(3 * 1024 ** 2).toString("hex");
    const { result } = await through(ca, async (client) => {
      await client.makeBucket("logs");
      await client.putObject("logs", "big", content);
      let read = "";
      for await (const part of await client.getObject("logs", "big")) read += part;
      return read === content;
    });
    expect(result).to.equal(true);
  });

  it("rclone of the backups verifies MinIO with a folder of CA certificates, and accepts no other server", function () {
    const [rclone = ""] = needs(this, "rclone");
    const listed = (certificate: string) => {
      const certificates = mkdtempSync(join(folder ?? "", "ca-"));
      writeFileSync(join(certificates, "ca.crt"), certificate);
      return spawnSync(rclone, ["lsf", "store:", "--retries", "1", "--low-level-retries", "1"], {
        encoding: "utf8",
        env: {
          SSL_CERT_DIR: certificates,
          RCLONE_CONFIG: join(certificates, "rclone.conf"),
          RCLONE_CONFIG_STORE_TYPE: "s3",
          RCLONE_CONFIG_STORE_PROVIDER: "Minio",
          RCLONE_CONFIG_STORE_ENDPOINT: `https://localhost:${port}`,
          RCLONE_CONFIG_STORE_ACCESS_KEY_ID: credentials.accessKey,
          RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: credentials.secretKey,
        },
      });
    };
    const { status, stderr } = listed(ca);
    expect(status, stderr).to.equal(0);
    const refused = listed(stranger);
    expect(refused.status).not.to.equal(0);
    expect(refused.stderr).to.include("certificate signed by unknown authority");
  });

  it("a server with a certificate of another CA is rejected", async () => {
    const { result, failures } = await through(stranger, (client) => client.listBuckets());
    expect(result).to.be.instanceOf(Error);
    expect(failures[0]?.message).to.match(/unable to verify|self.signed|certificate/);
  });

  it("the certificate is rejected under a name that it does not have", () =>
    new Promise<void>((done, fail) => {
      request(`https://127.0.0.1:${port}/`, { ca, servername: "grafana.grafana.svc" }, () =>
        fail(new Error("it was accepted")),
      )
        .on("error", ({ message }) => {
          expect(message).to.match(/does not match certificate/);
          done();
        })
        .end();
    }));

  it("the Job of the cold tier connects with the CA, and not without it", function () {
    const [mc = ""] = needs(this, "mc");
    const settings = settingsOf("prod", withColdTier({}, { network: { tls: { certificates: "ownCa" } } }));
    const run = (authority: string) => {
      const at = join(folder ?? "", "authorities", authority);
      mkdirSync(at, { recursive: true });
      writeFileSync(join(at, "ca.crt"), authority === "ca" ? ca : stranger);
      const place = {
        mc,
        folder: join(folder ?? "", "mc"),
        minio: `localhost:${port}`,
        root: credentials,
        ca: at,
      };
      return runJob(settings, { ...place, cold: "http://127.0.0.1:1" }).output;
    };
    // The tier itself does not exist here.
    expect(run("ca")).to.include("cold tier: http://127.0.0.1:1, bucket archive: was not taken as a tier");
    expect(run("stranger")).to.match(/cold tier: MinIO does not list its tiers: .*certificate/);
  });
});
