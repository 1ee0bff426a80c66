/** Grafana's API, with the token of a service account, or as the admin user, who can log in in dev only. */
import { CoreV1Api } from "@kubernetes/client-node";
import { grafana, namespaces } from "../../names";
import { type Settings, UserError } from "../../settings";
import type { Connection } from "./cluster";
import { basicAuth } from "./gateway";
import { type Json, secretText } from "./objects";
import { podText, successful, withClient } from "./tunnel";

export const grafanaPods = (settings: Settings) => ({
  namespace: namespaces(settings).grafana,
  selector: "app.kubernetes.io/name=grafana",
  port: 3000,
  served: "grafana" as const,
});

export interface Grafana {
  /** Address on loopback. */
  url: string;
  user: string;
  password: string;
  /** Sends a request, and parses the response. @throws if the status is not 2xx */
  json(path: string, body?: unknown): Promise<Json>;
}

/** Grafana's health, which needs no login. @throws if it is not healthy */
export const grafanaHealth = async ({
  config,
  settings,
}: Connection): Promise<{ version: string; database: string }> =>
  JSON.parse(await podText(config, grafanaPods(settings), "/api/health"));

/** The token of a service account, from the environment. */
export const grafanaToken = (): string | undefined => process.env["OBS_GRAFANA_TOKEN"] || undefined;

/** The admin user's password, from the cluster. */
async function adminPassword({ config, settings }: Connection): Promise<string> {
  const secret = { namespace: namespaces(settings).grafana, name: grafana.adminSecret };
  return secretText(await config.makeApiClient(CoreV1Api).readNamespacedSecret(secret), "admin-password");
}

const rejected = (token: string | undefined) =>
  token
    ? "Grafana rejects the token in OBS_GRAFANA_TOKEN"
    : "Grafana rejects the admin user: in prod, users log in through grafana.auth only. Set OBS_GRAFANA_TOKEN to the token of a service account";

/** Runs an action with a tunnel to Grafana. */
export async function withGrafana<T>(
  stack: Connection,
  action: (grafana: Grafana) => Promise<T>,
): Promise<T> {
  const token = grafanaToken();
  const user = token ? "the service account of OBS_GRAFANA_TOKEN" : grafana.adminUser;
  const password = token ? "" : await adminPassword(stack);
  const authorization = token ? `Bearer ${token}` : basicAuth(user, password);
  const headers = { authorization, "content-type": "application/json" };
  return withClient(stack.config, grafanaPods(stack.settings), headers, (send, url) => {
    const json: Grafana["json"] = async (path, body) => {
      const post = body !== undefined && { method: "POST" as const, body: JSON.stringify(body) };
      const answer = await send(path, { within: 60, ...post });
      if (answer.status === 401) throw new UserError(rejected(token));
      return JSON.parse(successful(`Grafana's ${path}`, answer));
    };
    return action({ url, user, password, json });
  });
}

export interface Datasource {
  uid: string;
  name: string;
  type: string;
  jsonData: Json;
}

/** Runs the health check of a data source. @returns its message @throws if it fails */
export async function health(grafana: Grafana, { uid, type, jsonData }: Datasource): Promise<string> {
  if (type !== "alertmanager") {
    const { status, message } = await grafana.json(`/api/datasources/uid/${uid}/health`);
    if (status !== "OK") throw new Error(`${status}: ${message}`);
    return message;
  }
  // Grafana has no health check for Alertmanagers.
  const path = jsonData.implementation === "mimir" ? "/alertmanager/api/v2/status" : "/api/v2/status";
  const { versionInfo } = await grafana.json(`/api/datasources/proxy/uid/${uid}${path}`);
  return `answers, version ${versionInfo?.version ?? "unknown"}`;
}
