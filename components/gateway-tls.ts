import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { gatewayAccess, type Store, stores } from "../names";
import type { Settings } from "../settings";
import { sendingAgents } from "../settings/agents";
import { gatewayHost, gatewayServices } from "../values/gateway-service";
import { childNames, type NamespaceNames, present } from "./args";
import { authority, type Signed, signed } from "./own-ca";

export interface GatewayTlsArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** Names of the stores' namespaces; a missing one gets no Service. */
  namespaces: NamespaceNames;
}

/**
 * TLS between agents and the gateways: a CA that issues a client certificate to each agent and, if `access.service` is
 * set, certificates to the gateways; and the Services through which agents reach the gateways.
 */
export class GatewayTls extends pulumi.ComponentResource {
  /** CA certificate that verifies the gateways' certificates; undefined if the stack issues none. */
  readonly caCertificate: pulumi.Output<string> | undefined;
  /** Client certificate and key of each agent, by its name; the keys are secret. */
  readonly clients: Record<string, Signed>;
  private readonly secrets = new Map<Store, pulumi.Resource[]>();

  constructor(name: string, args: GatewayTlsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:GatewayTls", name, {}, opts);
    const { settings, namespaces } = args;
    const named = childNames(name, "gateway-tls");
    const signer = { parent: this, named };
    const agents = sendingAgents(settings);
    const issues = stores.some((store) => gatewayHost(settings, store));
    const wanted = settings.access.service !== undefined || agents.length > 0;
    const ca = wanted ? authority(signer, `gateways ${settings.cluster.name}`) : undefined;
    for (const [store, namespace] of ca ? present(namespaces, stores) : []) {
      const secret = (
        secretName: string,
        stringData: Record<string, pulumi.Input<string>>,
        type?: string,
      ) => {
        const made = new k8s.core.v1.Secret(
          named(`${store}-${secretName}`),
          { metadata: { name: secretName, namespace }, ...(type && { type }), stringData },
          { parent: this },
        );
        this.secrets.set(store, [...this.readyFor(store), made]);
      };
      const host = gatewayHost(settings, store);
      if (ca && host) {
        const { key, certificate } = signed(signer, `gateway-${store}`, ca, host);
        secret(gatewayAccess.tlsSecret, { "tls.key": key, "tls.crt": certificate }, "kubernetes.io/tls");
      }
      // An ingress controller may also verify the agents with it.
      if (ca) secret(gatewayAccess.clientCaSecret, { [gatewayAccess.clientCaFile]: ca.certificate });
    }
    this.caCertificate = issues ? ca?.certificate : undefined;
    this.clients = Object.fromEntries(
      ca ? agents.map((agent) => [agent, signed(signer, `agent-${agent}`, ca, { client: agent })]) : [],
    );
    for (const { store, metadata, spec } of gatewayServices(settings)) {
      const namespace = namespaces[store];
      if (namespace !== undefined)
        new k8s.core.v1.Service(
          named(`gateway-${store}`),
          { metadata: { ...metadata, namespace }, spec },
          { parent: this },
        );
    }
    this.registerOutputs({});
  }

  /** Resources that must exist before a gateway starts. */
  readyFor(store: Store): pulumi.Resource[] {
    return this.secrets.get(store) ?? [];
  }
}
