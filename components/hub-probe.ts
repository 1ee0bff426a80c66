/** Connects to the gateways of an agent's hub before anything changes. */
import { get as httpGet } from "node:http";
import { get as httpsGet, type RequestOptions } from "node:https";
import { rootCertificates } from "node:tls";
import { type Store, stores, tenants, writerOf } from "../names";
import type { Problem, Settings } from "../settings";
import { insideCluster } from "../settings/cold-tier";
import type { AgentAccess } from "./gateway-access";

/** Paths at which the gateways accept data. They check the login of a GET request, too, which changes nothing. */
const pushes: Record<Store, string> = {
  loki: "/loki/api/v1/push",
  mimir: "/api/v1/push",
  tempo: "/v1/traces",
};

/** Status of the response to a GET request, or why there is none. */
const statusOf = (url: string, options: RequestOptions) =>
  new Promise<number | string>((done) => {
    const get = url.startsWith("https:") ? httpsGet : httpGet;
    const request = get(url, { ...options, timeout: 5000 }, (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    });
    request.once("timeout", () => request.destroy(new Error("no response within 5 s")));
    // The error of a host with several addresses has only a code.
    request.once("error", ({ message, code = "" }: NodeJS.ErrnoException) => done(message || code));
  });

/**
 * Connects to the gateways as the agent's collectors will.
 *
 * @returns a warning for each gateway that is unreachable from this machine, though pods may still reach it; and a problem
 *   for each one that rejects the agent's login, because collectors drop the data that it rejects
 */
export async function probeHub(
  settings: Settings,
  { stack }: NonNullable<Settings["hub"]>,
  { endpoints, caCertificate, client, passwords }: AgentAccess,
): Promise<{ warnings: string[]; problems: Problem[] }> {
  const user = writerOf(tenants.logs, settings);
  const tls = {
    cert: client.certificate,
    key: client.key,
    ...(caCertificate && { ca: [...rootCertificates, caCertificate] }),
  };
  const warnings: string[] = [];
  const problems: Problem[] = [];
  const probe = async (store: Store) => {
    const url = endpoints[store];
    const ready = await statusOf(`${url}/ready`, tls);
    if (ready !== 200) {
      const reason = typeof ready === "string" ? ready : `${url}/ready answers ${ready}`;
      warnings.push(
        `hub.endpoints.${store}: ${url} is not reachable as a gateway of ${stack} from this machine (${reason}). ` +
          `If pods of this cluster cannot reach it either, signals stay in the collectors' buffers. Check access.ingress or access.endpoints of ${stack}`,
      );
      return;
    }
    const login = await statusOf(url + pushes[store], { ...tls, auth: `${user}:${passwords[store]}` });
    if (login === 401 || login === 403)
      problems.push({
        path: "hub.stack",
        was: stack,
        allowed: `a stack whose gateways accept the passwords in its outputs: ${url} answers ${login} to ${user}, and rejected data is lost`,
        change: `Run ./obs up of ${stack} first. If it has another hub's addresses, correct access there`,
      });
  };
  await Promise.all(stores.filter((store) => !insideCluster(endpoints[store])).map(probe));
  return { warnings, problems };
}
