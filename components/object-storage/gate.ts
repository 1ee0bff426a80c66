/**
 * The gate between the MinIO provider and MinIO.
 *
 * Version 0.17 of the provider interprets every connection error as "the bucket is gone": a refresh against an
 * unreachable address drops buckets from the state. But if the CA certificate of its configuration is missing, the
 * provider fails before it reads any bucket. So it gets a certificate that exists only while this program runs: a plain
 * `pulumi refresh` stops with an error and keeps the state. Connections through the gate wait until MinIO is ready. If
 * it does not become ready, the program ends with an error before the provider gets a connection.
 *
 * Without an explicit endpoint, the gate also provides the connection: a TLS server on a loopback port that forwards
 * each connection to a pod of MinIO through the Kubernetes API.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { get as httpGet } from "node:http";
import { Agent, get as httpsGet } from "node:https";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { duplexPair } from "node:stream";
import { rootCertificates, TLSSocket } from "node:tls";
import type { KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { generate } from "selfsigned";
import { type Settings, UserError } from "../../settings";
import { kubeConfig } from "../kube-config";
import { forward, podsOf } from "../port-forward";
import { minioApi } from "./pods";
import { readiness, statusOf } from "./readiness";

/** An open gate. */
export interface Gate {
  /** The cluster that MinIO runs in. */
  cluster: KubeConfig;
  /** Host and port of MinIO's API for this machine. */
  endpoint: string;
  /** Path of the provider's CA certificate, relative to the project's folder. */
  certificate: string;
  /** For this program's own HTTPS requests through the gate. */
  agent: Agent;
  /** Whether MinIO is ready at this moment. */
  answers: () => Promise<boolean>;
  /** Resolves when MinIO is ready; on a timeout, rejects with the last log lines of its pods. */
  ready: () => Promise<void>;
}

const loopback = "127.0.0.1";

/** The path states the fix, because the provider's error contains little else. */
const certificatePath = (stack: string): string =>
  join(".obs", stack, "MinIO-is-not-connected--add--run-program-to-this-command.pem");

/**
 * Puts the certificate in the provider's path until this process ends. On Linux it is a link into the process itself,
 * so that not even a kill leaves it behind.
 */
function putCertificate(path: string, pem: string): void {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  writeFileSync(path, pem, { mode: 0o600 });
  if (process.platform === "linux") {
    const descriptor = openSync(path, "r");
    unlinkSync(path);
    symlinkSync(`/proc/${process.pid}/fd/${descriptor}`, path);
    process.once("exit", () => closeSync(descriptor));
  }
  process.once("exit", () => rmSync(path, { force: true }));
}

/**
 * Opens the gate. There is none if the stack does not install MinIO, or without an engine (`obs render`, unit tests),
 * which makes no connections.
 *
 * @throws if there is no cluster, or the local port is in use
 */
export async function openGate(settings: Settings): Promise<Gate | undefined> {
  if (settings.objectStorage.kind !== "minio" || !pulumi.runtime.hasEngine()) return undefined;
  const cluster = kubeConfig(settings);
  const { endpoint, caFile, localPort } = settings.objectStorage.minio;
  const certificate = certificatePath(pulumi.getStack());
  if (endpoint) {
    const ca = caFile ? readFileSync(caFile, "utf8") : (rootCertificates[0] ?? "");
    const agent = new Agent({ ...(caFile && { ca }) });
    const { answers, ready } = readiness(settings, cluster, (path) =>
      statusOf(httpsGet(`${endpoint}${path}`, { agent })),
    );
    // With an explicit endpoint, connections do not pass through the gate, so a preview that may refresh must check
    // MinIO before it returns the endpoint.
    if (pulumi.runtime.isDryRun() && (await podsOf(cluster, minioApi(settings)).catch(() => [])).length)
      await ready();
    putCertificate(certificate, ca);
    return {
      cluster,
      endpoint: endpoint.replace("https://", ""),
      certificate,
      agent,
      answers,
      ready,
    };
  }
  const { cert, private: key } = await generate([{ name: "commonName", value: loopback }], {
    keyType: "ec",
    notAfterDate: new Date(Date.now() + 24 * 3600 * 1000),
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 7, ip: loopback }] },
    ],
  });
  const { answers, ready } = readiness(settings, cluster, (path) => {
    const [near, far] = duplexPair();
    const closed = forward(cluster, minioApi(settings), far).then(
      () => "the connection was closed without a response",
    );
    const request = httpGet({ path, host: loopback, createConnection: () => near });
    return Promise.race([statusOf(request), closed]);
  });
  await listen(settings, localPort, { cert, key }, cluster, ready);
  putCertificate(certificate, cert);
  return {
    cluster,
    endpoint: `${loopback}:${localPort}`,
    certificate,
    agent: new Agent({ ca: cert }),
    answers,
    ready,
  };
}

/** A TLS server that forwards its connections to MinIO; neither the server nor its connections keep the program alive. */
function listen(
  settings: Settings,
  port: number,
  identity: { cert: string; key: string },
  config: KubeConfig,
  ready: Gate["ready"],
) {
  const server = createServer((socket) => {
    socket.unref();
    const plain = new TLSSocket(socket, { isServer: true, ...identity });
    plain.on("error", () => socket.destroy());
    ready()
      .then(() => forward(config, minioApi(settings), plain))
      // Thrown instead of returned as a response: the provider would interpret the response as a missing bucket.
      .catch((error: Error) =>
        setImmediate(() => {
          throw error;
        }),
      );
  });
  server.unref();
  const taken =
    `objectStorage.minio.localPort: invalid value ${port} (must be a free port; this one is in use on this machine, perhaps by a run of another stack)\n` +
    "    Fix it: pulumi config set --path 'objectStorage.minio.localPort' <port>";
  return new Promise<void>((done, fail) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      fail(error.code === "EADDRINUSE" ? new UserError(taken) : error),
    );
    server.listen(port, loopback, done);
  });
}
