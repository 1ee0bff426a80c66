import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { NamespaceKey } from "../names";
import { gatewayAccess, gatewayUser, type Store, stores } from "../names";
import type { Settings } from "../settings";
import { type GatewayUrls, reachableGateways } from "../settings/access";
import {
  type Credential,
  credentialKeys,
  gatewayClients,
  gatewayUsers,
  gatewayUsersFile,
} from "../values/gateway";
import { gatewayIngresses } from "../values/gateway-ingress";
import { childNames, type NamespaceNames, present } from "./args";
import { GatewayTls } from "./gateway-tls";

export interface GatewayAccessArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** Names of the namespaces of stores and their clients; a missing one gets no Secret. */
  namespaces: NamespaceNames;
}

/** Endpoints and credentials that a hub outputs for each of its agents; all of it is secret. */
export interface AgentAccess {
  /** URLs of the gateways. */
  endpoints: GatewayUrls;
  /** CA certificates that verify the gateways, unless public CAs issued theirs. */
  caCertificate?: string;
  /** Client certificate of the agent with the key, as PEM texts, and when the certificate expires, in the format of RFC 3339. */
  client: { certificate: string; key: string; expires: string };
  /** Password of the user that writes the agent's tenant, by store. */
  passwords: Record<Store, string>;
  /** Generation of these passwords: a rotation revokes the old one when all agents have reported this one. */
  generation: number;
  /** URL at which users open Grafana. */
  grafanaUrl: string;
}

/**
 * Credentials for the gateways of Loki, Mimir and Tempo: a generated password for each tenant and role, in the Secret
 * that the gateway reads and in the Secrets of the clients in the stack.
 *
 * During a rotation, a gateway accepts the passwords of two generations; clients use the first.
 */
export class GatewayAccess extends pulumi.ComponentResource {
  /** Passwords of each gateway's users, by user name; secret. */
  readonly passwords: Record<Store, pulumi.Output<Record<string, string>>>;
  /** Endpoints and credentials of each agent, by its name; secret. */
  readonly agents: pulumi.Output<Record<string, AgentAccess>>;
  private readonly secrets = new Map<NamespaceKey, pulumi.Resource[]>();

  constructor(name: string, args: GatewayAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:GatewayAccess", name, {}, opts);
    const { settings, namespaces } = args;
    const named = childNames(name, "gateway-access");
    const installed = present(namespaces, stores).map(([store]) => store);
    const generated = new Map<string, pulumi.Output<string>[]>();
    for (const store of installed)
      for (const { name: user } of gatewayUsers(store, settings)) {
        const taken = settings.access.generations.map(
          (generation) =>
            new random.RandomPassword(
              named(`gateway-${store}-${user}-${generation}`),
              { length: 40, special: false },
              { parent: this },
            ).result,
        );
        generated.set(`${store}/${user}`, taken);
      }
    const taken = ([store, user]: Credential) => generated.get(`${store}/${user}`) ?? [];
    const current = (credential: Credential) => taken(credential)[0] ?? pulumi.output("");

    const secret = (
      namespace: NamespaceKey,
      secretName: string,
      stringData: Record<string, pulumi.Input<string>>,
    ) => {
      const place = namespaces[namespace];
      if (place === undefined) return;
      const made = new k8s.core.v1.Secret(
        named(`${namespace}-${secretName}`),
        { metadata: { name: secretName, namespace: place }, stringData },
        { parent: this },
      );
      this.secrets.set(namespace, [...this.readyFor(namespace), made]);
    };
    const all = (store: Store) =>
      installed.includes(store)
        ? gatewayUsers(store, settings).map((user): Credential => [store, user.name])
        : [];
    for (const store of installed) {
      const users = Object.fromEntries(all(store).map((one) => [one[1], pulumi.all(taken(one))]));
      secret(store, gatewayAccess.usersSecret, {
        [gatewayAccess.usersFile]: pulumi.all(users).apply(gatewayUsersFile),
      });
    }
    const clients: Partial<Record<NamespaceKey, Credential[]>> = gatewayClients(settings);
    for (const namespace of new Set([...installed, ...(Object.keys(clients) as NamespaceKey[])])) {
      const own = stores.filter((store) => store === namespace).flatMap(all);
      const others = (clients[namespace] ?? []).filter(([store]) => installed.includes(store));
      const entries = [...own, ...others].flatMap((credential) => {
        const { username, password } = credentialKeys(...credential);
        return [[username, credential[1]] as const, [password, current(credential)] as const];
      });
      secret(namespace, gatewayAccess.credentialsSecret, Object.fromEntries(entries));
    }

    const passwordsOf = (store: Store) =>
      pulumi.secret(pulumi.all(Object.fromEntries(all(store).map((one) => [one[1], current(one)]))));
    this.passwords = { loki: passwordsOf("loki"), mimir: passwordsOf("mimir"), tempo: passwordsOf("tempo") };
    const tls = new GatewayTls(named("gateway-tls"), { settings, namespaces }, { parent: this });
    for (const store of installed) this.secrets.set(store, [...this.readyFor(store), ...tls.readyFor(store)]);
    this.agents = this.forAgents(settings, current, tls);
    for (const { store, metadata, spec } of gatewayIngresses(settings)) {
      const namespace = namespaces[store];
      if (namespace !== undefined)
        new k8s.networking.v1.Ingress(
          named(`gateway-${store}`),
          { metadata: { ...metadata, namespace }, spec },
          { parent: this },
        );
    }
    this.registerOutputs({});
  }

  /** Endpoints and credentials of each agent. */
  private forAgents(
    settings: Settings,
    current: (credential: Credential) => pulumi.Output<string>,
    tls: GatewayTls,
  ): pulumi.Output<Record<string, AgentAccess>> {
    const { access, grafana } = settings;
    const endpoints = reachableGateways(settings) as GatewayUrls;
    const cas = pulumi
      .all([access.caCertificate, tls.caCertificate])
      .apply((all) => all.filter((one) => one !== undefined).join("\n"));
    const told = Object.entries(tls.clients).map(([agent, client]) => {
      const of = (store: Store) => current([store, gatewayUser(agent, "write")]);
      return pulumi
        .all([of("loki"), of("mimir"), of("tempo"), client.certificate, client.key, client.expires, cas])
        .apply(([loki, mimir, tempo, certificate, key, expires, caCertificate]) => {
          const all = {
            endpoints,
            ...(caCertificate && { caCertificate }),
            grafanaUrl: grafana.url,
            passwords: { loki, mimir, tempo },
            generation: access.generations[0] ?? 1,
            client: { certificate, key, expires },
          };
          return [agent, all] as const;
        });
    });
    return pulumi.secret(pulumi.all(told).apply((all) => Object.fromEntries(all)));
  }

  /** Resources that must exist before a gateway, or a client of one, starts in a namespace. */
  readyFor(namespace: NamespaceKey): pulumi.Resource[] {
    return this.secrets.get(namespace) ?? [];
  }
}
