/** A real Grafana on loopback with the configuration that Helm renders, and a minimal browser for logins. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { grafana as names, releases } from "../../names";
import { type Container, find, type RenderedStack, renderStack } from "./rendered";
import { Server } from "./servers";
import type { Config } from "./stacks";
import { skip } from "./tools";

/** The folder of a Grafana in OBS_GRAFANA_HOME, or the suite is skipped. For use in a `before` hook. */
export function needsGrafana(context: Mocha.Context): string {
  const home = process.env["OBS_GRAFANA_HOME"];
  return home && existsSync(join(home, "bin", "grafana"))
    ? home
    : skip(context, "OBS_GRAFANA_HOME names no folder with a Grafana");
}

/** The container's folders `/etc/grafana`, `/var/lib/grafana` and `/etc/gateway` are below a folder here. */
const moved = (text: string, folder: string) =>
  text.replaceAll(/\/(etc|var\/lib|var\/log)\/grafana|\/etc\/gateway\b/g, `${folder}$&`);

/** The password in a file of that name, in Grafana's folder of passwords. */
export const passwordIn = (file: string) => `password in ${file}`;

/** The text of a file that a container mounts from a ConfigMap or a Secret. */
function mounted(
  stack: RenderedStack,
  volume: { configMap?: { name: string }; secret?: { secretName: string; items: { key: string }[] } },
  file: string,
): string {
  if (volume.configMap) return find(stack, "ConfigMap", volume.configMap.name)["data"][file];
  const [item] = volume.secret?.items ?? [];
  const data = find(stack, "Secret", volume.secret?.secretName ?? "")["data"];
  return Buffer.from(data[item?.key ?? file], "base64").toString();
}

/** The environment that Kubernetes would give the container. */
function environmentOf(stack: RenderedStack, { env = [], envFrom = [] }: Container, folder: string) {
  const secret = (name: string): Record<string, string> => find(stack, "Secret", name)["stringData"];
  const from = (source: unknown) => {
    const { secretKeyRef } = source as { secretKeyRef?: { name: string; key: string } };
    return secretKeyRef && secret(secretKeyRef.name)[secretKeyRef.key];
  };
  const own = env.flatMap(({ name, value, valueFrom }) => {
    const text = valueFrom ? from(valueFrom) : value;
    return text === undefined ? [] : [[name, moved(text, folder)] as const];
  });
  return {
    ...Object.assign({}, ...envFrom.map(({ secretRef }) => secret(secretRef?.name ?? ""))),
    ...Object.fromEntries(own),
  } as Record<string, string>;
}

export interface GrafanaOptions {
  /** Port that it listens on; its URL is part of the rendered configuration. */
  port: number;
  /** Environment, in addition to that of the stack. */
  environment?: Record<string, string>;
  /** Replaces addresses in the files. */
  change?: (text: string) => string;
}

/** A response of Grafana, parsed if it is JSON. */
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read deep into answers of many kinds
  body: any;
}

export class Grafana {
  private constructor(
    private readonly server: Server,
    readonly url: string,
    private readonly admin: string,
  ) {}

  /**
   * Starts a stack's Grafana in an empty folder.
   *
   * @param home folder of the program
   * @param config the stack's configuration, to which its URL is added
   */
  static async start(
    home: string,
    folder: string,
    config: Config,
    { port, environment, change = (text) => text }: GrafanaOptions,
  ): Promise<Grafana> {
    const url = `http://localhost:${port}`;
    const stack = await renderStack({ ...config, grafana: { ...(config["grafana"] as Config), url } });
    const { containers, volumes } = find(stack, "Deployment", releases.grafana)["spec"].template.spec;
    const container = containers.find(({ name }: Container) => name === "grafana");
    const settings = environmentOf(stack, container, folder);
    for (const { name, mountPath, subPath } of container.volumeMounts) {
      const path = moved(mountPath, folder);
      mkdirSync(subPath ? dirname(path) : path, { recursive: true });
      const volume = volumes.find((one: { name: string }) => one.name === name);
      if (!subPath) {
        for (const { path: file } of volume.secret?.items ?? [])
          writeFileSync(join(path, file), passwordIn(file), { mode: 0o600 });
        continue;
      }
      writeFileSync(path, change(moved(mounted(stack, volume, subPath), folder)));
    }
    const file = join(folder, "etc", "grafana", "grafana.ini");
    const server = await Server.start(
      join(home, "bin", "grafana"),
      ["server", `--homepath=${home}`, `--config=${file}`],
      {
        folder,
        environment: {
          ...settings,
          GF_SERVER_HTTP_ADDR: "127.0.0.1",
          GF_SERVER_HTTP_PORT: String(port),
          ...environment,
        },
        ready: async () => (await fetch(`${url}/api/health`)).ok,
        // It creates its database first.
        seconds: 300,
      },
    );
    return new Grafana(server, url, `${names.adminUser}:${settings["GF_SECURITY_ADMIN_PASSWORD"]}`);
  }

  /** A request without credentials. */
  async ask(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, { redirect: "manual", ...init });
    return answerOf(response);
  }

  /** A request of the admin user, with basic-auth credentials. */
  asAdmin(path: string, method = "GET", body?: unknown): Promise<Answer> {
    return this.ask(path, {
      method,
      headers: {
        Authorization: `Basic ${Buffer.from(this.admin).toString("base64")}`,
        "Content-Type": "application/json",
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** Logs in through the login form. */
  async login(user: string, password: string): Promise<Browser> {
    const browser = new Browser();
    await browser.send(`${this.url}/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user, password }),
    });
    return browser;
  }

  /** Logs in as the admin user through the login form. */
  loginAsAdmin(): Promise<Browser> {
    const [user = "", password = ""] = this.admin.split(":");
    return this.login(user, password);
  }

  /** The user of a browser's session, with its permissions; undefined without a session. */
  async who(browser: Browser): Promise<{ login: string; admin: boolean; roles: string[] } | undefined> {
    const [user, orgs] = [
      await this.asked(browser, "/api/user"),
      await this.asked(browser, "/api/user/orgs"),
    ];
    if (user.status === 401 && orgs.status === 401) return undefined;
    return {
      login: user.body.login,
      admin: user.body.isGrafanaAdmin,
      roles: orgs.body.map(({ role }: { role: string }) => role),
    };
  }

  /** A request within a browser's session. */
  async asked(browser: Browser, path: string): Promise<Answer> {
    return answerOf(await browser.send(`${this.url}${path}`));
  }

  /** Stops it. */
  stop(): Promise<void> {
    return this.server.stop();
  }
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.includes("json");
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}

/** A minimal browser: it keeps each host's cookies, and follows redirects. */
export class Browser {
  private readonly cookies = new Map<string, Map<string, string>>();

  /** One request. */
  async send(url: string, init: RequestInit = {}): Promise<Response> {
    const { hostname } = new URL(url);
    const kept = this.cookies.get(hostname) ?? new Map<string, string>();
    this.cookies.set(hostname, kept);
    const cookie = [...kept].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { ...init, redirect: "manual", headers: { ...init.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      // A cookie without a value is deleted.
      if (value) kept.set(name, value);
      else kept.delete(name);
    }
    return response;
  }

  /** A request that follows redirects, and its final URL. */
  async open(url: string, init: RequestInit = {}): Promise<{ url: string; status: number; body: string }> {
    const response = await this.send(url, init);
    const location = response.headers.get("Location");
    if (location) return this.open(new URL(location, url).href);
    return { url, status: response.status, body: await response.text() };
  }
}

/** A received request. */
export interface Seen {
  path: string;
  headers: Record<string, unknown>;
  body: string;
}

/** A server on loopback that responds to everything with an empty object and records the requests. */
export async function listener(): Promise<{ url: string; seen: Seen[]; close: () => void }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    seen.push({ path: request.url ?? "", headers: request.headers, body });
    response.setHeader("Content-Type", "application/json").end("{}");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, seen, close };
}
