/** An agent's hub: the outputs of its stack for this cluster, and the Secrets of the collectors that send to it. */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { gatewayAccess, type NamespaceKey, type Store, stores } from "../names";
import { type Settings, SettingsError, UserError } from "../settings";
import { valueAt } from "../settings/tree";
import { credentialKeys, gatewayClients } from "../values/gateway";
import { childNames, type NamespaceNames, present } from "./args";
import type { AgentAccess } from "./gateway-access";
import { probeHub } from "./hub-probe";

/** An agent's settings including those from its hub, and its passwords. */
export interface FromHub {
  settings: Settings;
  /** Password of its user at each gateway; secret. */
  passwords: Record<Store, pulumi.Output<string>>;
  /** Generation of these passwords. */
  generation: number;
  /** Its client certificate; the key is secret. */
  client: Client;
  /** A warning for each gateway that is unreachable from this machine. */
  warnings: string[];
}

/** A client certificate with its key, as PEM texts. */
interface Client {
  certificate: string;
  key: pulumi.Output<string>;
  /** When the certificate expires, in the format of RFC 3339. */
  expires: string;
}

/** The values of an output for an agent that are missing, because another version of the project wrote it. */
function missing(own: AgentAccess): string[] {
  const ofStores = (path: string) => stores.map((store) => [path, store]);
  return [
    ...ofStores("endpoints"),
    ...ofStores("passwords"),
    ["client", "certificate"],
    ["client", "key"],
    ["client", "expires"],
    ["generation"],
    ["grafanaUrl"],
  ]
    .filter((path) => !valueAt(own, path))
    .map((path) => path.join("."));
}

/**
 * The part of a hub's output `agents` that is for this cluster.
 *
 * @throws SettingsError if the hub does not list this cluster, or another version wrote the output
 */
export function accessFrom(
  agents: Record<string, AgentAccess>,
  stack: string,
  { cluster }: Settings,
  hub: Hub,
): AgentAccess {
  const own = agents[cluster.name];
  if (!own)
    throw new SettingsError(stack, [
      {
        path: "cluster.name",
        was: cluster.name,
        allowed: `the name of an agent of ${hub.stack}, which has ${Object.keys(agents).join(", ") || "none"}`,
        change: `Add agents.${cluster.name} to the configuration of ${hub.stack}, run ./obs up there, then here`,
      },
    ]);
  const absent = missing(own);
  if (absent.length)
    throw new SettingsError(stack, [
      {
        path: "hub.stack",
        was: hub.stack,
        allowed: `a stack whose output agents.${cluster.name} has ${absent.join(", ")}, which this release of the project reads`,
        change: `Run ./obs up of ${hub.stack} with this release first`,
      },
    ]);
  return own;
}

/**
 * Reads the hub's outputs before anything is registered, so that values are plain as in every other stack.
 *
 * @throws SettingsError as `accessFrom`, or if a gateway rejects the password in the outputs
 */
export async function readHub(stack: string, settings: Settings, hub: Hub): Promise<FromHub> {
  const { grafana, network } = settings;
  const reference = new pulumi.StackReference("hub", { name: hub.stack });
  const { value, secretValue } = await reference.getOutputDetails("agents");
  const own = accessFrom(secretValue ?? value ?? {}, stack, settings, hub);
  const endpoints = hub.endpoints ?? own.endpoints;
  const privateCa = [network.privateCa, own.caCertificate].filter(Boolean).join("\n");
  const password = (store: Store) => pulumi.secret(own.passwords[store]);
  const { warnings, problems } = pulumi.runtime.hasEngine()
    ? await probeHub(settings, hub, { ...own, endpoints, caCertificate: privateCa })
    : { warnings: [], problems: [] };
  if (problems.length) throw new SettingsError(stack, problems);
  return {
    settings: {
      ...settings,
      hub: { ...hub, endpoints },
      grafana: { ...grafana, url: own.grafanaUrl },
      network: { ...network, ...(privateCa && { privateCa }) },
    },
    passwords: { loki: password("loki"), mimir: password("mimir"), tempo: password("tempo") },
    generation: own.generation,
    client: { ...own.client, key: pulumi.secret(own.client.key) },
    warnings,
  };
}

type Hub = NonNullable<Settings["hub"]>;

export interface HubAccessArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** Names of the collectors' namespaces; a missing one gets no Secret. */
  namespaces: NamespaceNames;
  /** Password of its user at each of the hub's gateways that the collectors send to. */
  passwords: { readonly [Gateway in Store]?: pulumi.Input<string> };
  /** Its client certificate with the key, as PEM texts. */
  client: { certificate: pulumi.Input<string>; key: pulumi.Input<string> };
}

/** The Secrets with the credentials of an agent's collectors. */
export class HubAccess extends pulumi.ComponentResource {
  private readonly secrets = new Map<NamespaceKey, pulumi.Resource>();

  constructor(name: string, args: HubAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:HubAccess", name, {}, opts);
    const { settings, namespaces, passwords, client } = args;
    const named = childNames(name, "hub-access");
    const collectors = ["alloyLogs", "alloyMetrics", "alloyTraces"] as const;
    const files = gatewayAccess.clientCertificate;
    for (const [namespace, place] of present(namespaces, collectors)) {
      const entries = gatewayClients(settings)[namespace].flatMap(([store, user]) => {
        const keys = credentialKeys(store, user);
        const password = passwords[store];
        if (password === undefined)
          throw new UserError(
            `passwords.${store}: not set (must be the password of the user ${user}, because namespaces.${namespace} is set)`,
          );
        return [[keys.username, user] as const, [keys.password, password] as const];
      });
      const secret = gatewayAccess.credentialsSecret;
      this.secrets.set(
        namespace,
        new k8s.core.v1.Secret(
          named(`${namespace}-${secret}`),
          {
            metadata: { name: secret, namespace: place },
            stringData: {
              ...Object.fromEntries(entries),
              [files.certificate]: client.certificate,
              [files.key]: client.key,
            },
          },
          { parent: this },
        ),
      );
    }
    this.registerOutputs({});
  }

  /** Resources that must exist before a collector starts in a namespace. */
  readyFor(namespace: NamespaceKey): pulumi.Resource[] {
    const secret = this.secrets.get(namespace);
    return secret ? [secret] : [];
  }
}
