/** Clouds on loopback: programs connect to a cloud's own host names through a proxy that forwards to local servers. */
import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { Agent, createServer as createHttpsServer, request } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { Authority, type Pair } from "./authority";

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Signs JSON web tokens, and publishes its key as an OpenID Connect provider does. */
export class Issuer {
  private readonly key: KeyObject;
  private readonly server: HttpServer;
  url = "";

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    this.key = privateKey;
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "test", use: "sig", alg: "RS256" };
    this.server = createHttpServer(({ url }, response) => {
      response.setHeader("Content-Type", "application/json");
      response.end(
        JSON.stringify(
          url === "/keys"
            ? { keys: [jwk] }
            : {
                issuer: this.url,
                jwks_uri: `${this.url}/keys`,
                authorization_endpoint: `${this.url}/auth`,
                token_endpoint: `${this.url}/token`,
                response_types_supported: ["id_token"],
                subject_types_supported: ["public"],
                id_token_signing_alg_values_supported: ["RS256"],
              },
        ),
      );
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** A token that is valid for an hour. */
  token(claims: Record<string, unknown>): string {
    const now = Math.floor(Date.now() / 1000);
    const head = base64({ alg: "RS256", typ: "JWT", kid: "test" });
    const body = base64({ iss: this.url, iat: now, nbf: now - 60, exp: now + 3600, ...claims });
    const signature = createSign("RSA-SHA256").update(`${head}.${body}`).sign(this.key, "base64url");
    return `${head}.${body}.${signature}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** The host names of a cloud, each served by a local server with a certificate for it. */
export class Cloud {
  private readonly authority: Authority;
  /** For requests to its local servers. */
  readonly agent: Agent;
  private readonly proxy = createHttpServer();
  private readonly sockets = new Set<Socket>();
  private readonly servers: HttpServer[] = [];
  /** Host names, or domains with a leading dot, and the port of their server. */
  private readonly routes: [name: string, port: number][] = [];
  /** Requested hosts without a server. */
  readonly unknown: string[] = [];

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.authority = new Authority(folder, "cloud");
    this.agent = new Agent({ ca: this.authority.certificate });
    this.proxy.on("connect", ({ url = "" }, client: Socket) => {
      const host = url.replace(/:\d+$/, "");
      const [, port] =
        this.routes.find(([name]) => name === host || (name[0] === "." && host.endsWith(name))) ?? [];
      client.on("error", () => undefined);
      if (port === undefined) {
        this.unknown.push(host);
        client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
        return;
      }
      const server = connect(port, "127.0.0.1", () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        server.pipe(client).pipe(server);
      });
      server.on("error", () => client.destroy());
      client.on("close", () => server.destroy());
      this.sockets.add(client);
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((done) => this.proxy.listen(0, "127.0.0.1", done));
  }

  /** Environment in which programs connect to the cloud, and trust it. */
  get environment(): Record<string, string> {
    return {
      // An empty home folder, without credentials of other clients.
      HOME: this.folder,
      HTTPS_PROXY: `http://127.0.0.1:${(this.proxy.address() as AddressInfo).port}`,
      NO_PROXY: "127.0.0.1,localhost",
      SSL_CERT_FILE: this.file("cloud.crt"),
      // The SDK of AWS prefers it.
      AWS_CA_BUNDLE: this.file("cloud.crt"),
    };
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Forwards host names to a port. */
  serve(port: number, ...names: string[]): void {
    this.routes.push(...names.map((name): [string, number] => [name, port]));
  }

  /** A certificate for host names; a leading dot is for all names of that domain. */
  certificate(name: string, ...names: string[]): Pair {
    const all = ["IP:127.0.0.1", ...names.map((one) => `DNS:${one[0] === "." ? "*" : ""}${one}`)];
    return this.authority.issue(name, `subjectAltName=${all.join()}\nextendedKeyUsage=serverAuth\n`);
  }

  /** Serves host names with a function that returns the response for a request's path and form. */
  async answer(names: string[], answer: (path: string, form: URLSearchParams) => unknown): Promise<void> {
    const server = createHttpsServer(this.certificate(names[0] ?? "", ...names), async (asked, response) => {
      let body = "";
      for await (const part of asked) body += part;
      const result = answer(asked.url ?? "", new URLSearchParams(body));
      response.writeHead(result ? 200 : 400, { "Content-Type": "application/json" });
      response.end(JSON.stringify(result ?? { error: "invalid_request" }));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    this.servers.push(server);
    this.serve((server.address() as AddressInfo).port, ...names);
  }

  /** A request to a local server of the cloud. */
  ask(port: number, path: string, method = "GET", headers: Record<string, string> = {}) {
    return new Promise<{ status: number; body: string }>((done, fail) =>
      request({ host: "127.0.0.1", port, path, method, headers, agent: this.agent }, async (response) => {
        let body = "";
        for await (const part of response) body += part;
        done({ status: response.statusCode ?? 0, body });
      })
        .on("error", fail)
        .end(),
    );
  }

  /** Writes a file of the cloud's folder, and returns its path. */
  write(name: string, content: string): string {
    writeFileSync(this.file(name), content);
    return this.file(name);
  }

  stop(): void {
    for (const server of [this.proxy, ...this.servers]) {
      server.close();
      server.closeAllConnections();
    }
    for (const socket of this.sockets) socket.destroy();
  }
}
