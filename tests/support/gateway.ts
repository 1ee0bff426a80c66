/** A gateway as in the cluster: real nginx with the program's own configuration, on loopback. */
import { mkdirSync, writeFileSync } from "node:fs";
import { type ClientRequest, createServer, type IncomingHttpHeaders, request } from "node:http";
import { delimiter, join } from "node:path";
import { gatewayAccess, type Store } from "../../names";
import type { Settings } from "../../settings";
import { credentialKeys, gatewayUsers, gatewayUsersFile } from "../../values/gateway";
import { gatewayConfiguration } from "../../values/gateway-nginx";
import type { Answer } from "./mimir";
import { freePort, Server } from "./servers";
import { needs } from "./tools";

/** nginx, which many systems do not have on PATH, or the suite is skipped. For use in a `before` hook. */
export function needsNginx(context: Mocha.Context): void {
  process.env["PATH"] = [process.env["PATH"], "/usr/sbin"].join(delimiter);
  needs(context, "nginx");
}

/** Passwords that the gateway accepts, by user. */
export type Passwords = Record<string, string[]>;

/** One password for each user of a gateway, with characters that result in `+` and `/` in Base64. */
export const passwordsOf = (store: Store, settings: Settings): Passwords =>
  Object.fromEntries(gatewayUsers(store, settings).map(({ name }) => [name, [`${name}>>>???~~~`]]));

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

/** A request to send literally: `fetch` would normalize its path and join its headers. */
export interface Sent {
  method?: string;
  path: string;
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array;
}

/** Sends a request to a port on loopback. */
export const send = (port: number, { body, headers, ...sent }: Sent): Promise<Full> =>
  new Promise((done, fail) => {
    const asked: ClientRequest = request({
      host: "127.0.0.1",
      port,
      agent: false,
      ...sent,
      headers: headers ?? {},
    });
    asked.once("error", fail).once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => {
        text += part;
      });
      response.once("end", () =>
        done({ status: response.statusCode ?? 0, body: text, headers: response.headers }),
      );
    });
    asked.once("upgrade", ({ statusCode, headers: own }, socket) => {
      socket.destroy();
      done({ status: statusCode ?? 0, body: "", headers: own });
    });
    asked.end(body);
  });

/** A response with its headers. */
export interface Full extends Answer {
  headers: IncomingHttpHeaders;
}

/** A Service in a gateway's configuration. */
const serviceInUpstream = /server ([\w-]+)\.[\w.-]+:(\d+) max_fails=0;/g;

/**
 * The defaults of the pinned nginx, for an older one on PATH: since 1.29.7, connections to upstreams are kept open, and no
 * `Connection` header is sent. https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive
 */
const currentDefaults = (text: string): string =>
  text
    .replace(
      /^( *)upstream [^{]*\{\n(?:.*server .*\n)+/gm,
      (block, indent) => `${block}${indent}  keepalive 32;\n`,
    )
    .replace(/^ *location [^{]*\{\n(?:(?! *\}$).*\n)+/gm, (block) =>
      !block.includes("proxy_pass") || block.includes("proxy_set_header Connection")
        ? block
        : `${block}proxy_set_header Connection "";\n`,
    );

/** Requests that the mock servers behind a gateway received. */
export interface Got {
  /** Service and port that it was sent to, such as `loki-distributor:3100`. */
  target: string;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Each header as received, one after the other. */
  raw: string[];
  bytes: number;
}

/** Mock servers on loopback for the Services behind a gateway: they accept and record every request. */
export class Backends {
  readonly got: Got[] = [];
  /** Status of their responses. */
  status = 200;
  private readonly servers = new Map<string, ReturnType<typeof createServer>>();
  private readonly ports = new Map<string, number>();

  /** Starts one for each Service in a gateway's configuration. */
  static async start(store: Store, settings: Settings): Promise<Backends> {
    const backends = new Backends();
    const text = gatewayConfiguration(store, settings);
    for (const [, host = "", port] of text.matchAll(serviceInUpstream))
      if (!backends.servers.has(`${host}:${port}`)) await backends.add(`${host}:${port}`);
    return backends;
  }

  private async add(target: string): Promise<void> {
    // As large as in the stores: the default of Go.
    const server = createServer({ maxHeaderSize: 1024 ** 2 }, async (asked, response) => {
      const { method = "", url: path = "", headers, rawHeaders: raw } = asked;
      let bytes = 0;
      for await (const part of asked) bytes += part.length;
      this.got.push({ target, method, path, headers, raw, bytes });
      response.writeHead(this.status).end(`${target} took it`);
    });
    server.on("upgrade", ({ method = "", url: path = "", headers, rawHeaders: raw }, socket) => {
      this.got.push({ target, method, path, headers, raw, bytes: 0 });
      socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    this.servers.set(target, server);
    this.ports.set(target, (server.address() as { port: number }).port);
  }

  /** Services and ports that have one. */
  get targets(): string[] {
    return [...this.ports.keys()];
  }

  /** Address of one of them. */
  readonly at = (target: string): string => `127.0.0.1:${this.ports.get(target) ?? "no such backend"}`;

  stop(): void {
    for (const server of this.servers.values()) {
      server.close();
      server.closeAllConnections();
    }
  }
}

export interface GatewayOptions {
  store: Store;
  settings: Settings;
  /**
   * Host and port that replace a Service and port, such as `loki-distributor:3100`; called for each connection that it
   * may try.
   */
  at: (target: string) => string;
  /** @default one for each user, see {@link passwordsOf} */
  passwords?: Passwords;
  /** Folder with `tls.crt`, `tls.key` and the `ca.crt` of clients, if the settings serve the gateway with TLS. */
  certificates?: string;
}

export class Gateway {
  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly folder: string,
    private readonly store: Store,
    private readonly passwords: Passwords,
    /** Port of TLS. */
    readonly tlsPort: number,
  ) {}

  /** Starts one in a folder. Only the addresses and the paths of files differ from the cluster's. */
  static async start(folder: string, options: GatewayOptions): Promise<Gateway> {
    const { store, settings, at, passwords = passwordsOf(store, settings), certificates = "" } = options;
    mkdirSync(folder, { recursive: true });
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
    const [port, tlsPort] = [await freePort(), await freePort()];
    const text = currentDefaults(gatewayConfiguration(store, settings))
      .replaceAll("/tmp/", "./")
      // nginx opens it by name, which is impossible with this process' end of a pipe.
      .replace("error_log /dev/stderr", "error_log ./error.log")
      .replace("access_log /dev/stderr", "access_log ./access.log")
      .replace(`${gatewayAccess.usersFolder}/`, "./")
      .replace("listen 8080;", `listen 127.0.0.1:${port};`)
      .replace("listen [::]:8080", `listen [::]:${port}`)
      .replace(`listen ${gatewayAccess.tlsPort}`, `listen 127.0.0.1:${tlsPort}`)
      .replace(gatewayAccess.tlsFolder, certificates)
      .replace(gatewayAccess.clientCaFolder, certificates)
      .replaceAll(serviceInUpstream, (_, host, to) => `server ${at(`${host}:${to}`)} max_fails=0;`);
    write("nginx.conf", text);
    write(gatewayAccess.usersFile, gatewayUsersFile(passwords));
    for (const [user, [password = ""]] of Object.entries(passwords))
      write(credentialKeys(store, user).password, password);
    // A single process, so that no child process remains when it is killed.
    const args = [
      "-p",
      folder,
      "-c",
      "nginx.conf",
      "-e",
      "error.log",
      "-g",
      "daemon off; master_process off;",
    ];
    const server = await Server.start("nginx", args, {
      folder,
      ready: async () => (await fetch(`http://127.0.0.1:${port}/ready`)).ok,
    });
    return new Gateway(server, port, folder, store, passwords, tlsPort);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The header with which a user logs in. */
  login(user: string): string {
    return basic(user, this.passwords[user]?.[0] ?? "");
  }

  /** File with the password of a user, in the form that its clients have. */
  passwordFile(user: string): string {
    return join(this.folder, credentialKeys(this.store, user).password);
  }

  /** Folder with the passwords of all users. */
  get passwordFolder(): string {
    return this.folder;
  }

  /** A request with a user's credentials, or without any. */
  ask(user: string | undefined, { headers, ...sent }: Sent): Promise<Full> {
    return send(this.port, {
      ...sent,
      headers: { ...(user !== undefined && { authorization: this.login(user) }), ...headers },
    });
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}
