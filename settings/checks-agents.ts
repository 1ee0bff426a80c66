/** Rules about hubs, agents, and access to the gateways. */
import { reachableGateways } from "./access";
import { hubOnly } from "./agents";
import { type Check, type Problem, problem } from "./check";
import { insideCluster } from "./cold-tier";
import { isCa } from "./network";
import { rollupTenants } from "./rollups";
import { type Tree, valueAt } from "./tree";

const passwordGenerations: Check = ({ access: { generations } }) =>
  problem(
    generations.length < 1 || generations.length > 2 || new Set(generations).size < generations.length,
    "access.generations",
    generations,
    "one number, or two different ones while passwords are rotated",
  );

const caOfGateways: Check = ({ access: { caCertificate } }) =>
  problem(
    caCertificate !== undefined && !isCa(caCertificate),
    "access.caCertificate",
    "[PEM]",
    "CA certificates as PEM text, and nothing else",
  );

/** Every request carries a password, so a URL needs TLS. */
const plainUrls = (environment: string, path: string, endpoints: Record<string, string> | undefined) =>
  Object.entries(endpoints ?? {}).flatMap(([store, url]) =>
    problem(
      environment === "prod" && !url.startsWith("https://") && !insideCluster(url),
      `${path}.${store}`,
      url,
      "an https:// URL, because requests carry passwords",
    ),
  );
const encrypted: Check = ({ environment, access }) =>
  plainUrls(environment, "access.endpoints", access.endpoints);
const encryptedToHub: Check = ({ environment, hub }) =>
  plainUrls(environment, "hub.endpoints", hub?.endpoints);

/** The Services have the ports of the URLs, and certificates for their hosts. */
const servedUrls: Check = ({ access: { service, endpoints }, cadvisor }) => {
  if (!service) return [];
  if (!endpoints)
    return problem(
      true,
      "access.endpoints",
      undefined,
      "the URLs that access.service serves, which uses their ports",
    );
  const urls = Object.entries(endpoints).map(([store, url]) => ({ store, url, parsed: new URL(url) }));
  const ports = urls.map(({ parsed }) => parsed.port);
  return urls.flatMap(({ store, url, parsed }) => [
    ...problem(
      parsed.protocol !== "https:" || parsed.pathname !== "/",
      `access.endpoints.${store}`,
      url,
      "an https:// URL without a path, because access.service serves it",
    ),
    ...problem(
      service.type === "NodePort" && ports.filter((port) => port === parsed.port).length > 1,
      `access.endpoints.${store}`,
      url,
      "a URL with its own port, because each gateway has its own node port",
    ),
    ...problem(
      service.type === "NodePort" && !(Number(parsed.port) >= 30_000 && Number(parsed.port) <= 32_767),
      `access.endpoints.${store}`,
      url,
      "a URL with a port from 30000 to 32767, because it is a node port",
    ),
    ...problem(
      service.type === "NodePort" &&
        cadvisor.expose.includes("nodePort") &&
        parsed.port === String(cadvisor.nodePort),
      `access.endpoints.${store}`,
      url,
      "a URL with another port than cadvisor.nodePort",
    ),
  ]);
};

/** Rules about `access`. */
export const accessChecks: Check[] = [passwordGenerations, caOfGateways, encrypted, servedUrls];

const agentNames: Check = ({ agents, cluster, mimir, tempo }) => {
  const tenants = [
    "logs",
    ...Object.values<string>(rollupTenants),
    ...Object.keys(mimir.tenants),
    ...Object.keys(tempo.tenants),
    "long-range", // a data source of Mimir
  ];
  return Object.keys(agents).flatMap((name) => [
    ...problem(
      tenants.includes(name),
      `agents.${name}`,
      name,
      "nothing: this stack has a tenant of that name, which another cluster must not write to",
    ),
    ...problem(name === cluster.name, `agents.${name}`, name, "nothing: it is the cluster of this stack"),
  ]);
};

const reachable: Check = (settings) =>
  problem(
    Object.keys(settings.agents).length > 0 && reachableGateways(settings) === undefined,
    "access.ingress",
    undefined,
    "the domain of an Ingress, or access.endpoints instead, because agents reach the gateways from other clusters",
  );

/** Tempo generates no metrics from an agent's spans: it would write them to the hub's tenant. */
const spanMetrics: Check = ({ hub, tracing: { metricsFrom } }) =>
  problem(
    hub !== undefined && metricsFrom !== "alloy",
    "tracing.metricsFrom",
    metricsFrom,
    "alloy, because this stack has a hub, whose Tempo generates no metrics from the spans of other clusters",
  );

/** Rules about `agents` and `hub`. */
export const agentChecks: Check[] = [agentNames, reachable, spanMetrics, encryptedToHub];

/** Problems with configuration of components that an agent does not install. */
export const hubOnlyProblems = (given: Tree): Problem[] =>
  given["hub"] === undefined
    ? []
    : hubOnly.flatMap((path) =>
        problem(
          valueAt(given, path.split(".")) !== undefined,
          path,
          undefined,
          "nothing, because this stack has a hub: set it in the stack of the hub",
        ),
      );
