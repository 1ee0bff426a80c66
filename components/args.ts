import type * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings";
import type { Certificates } from "./certificates";
import type { GatewayAccess } from "./gateway-access";
import type { Namespaces } from "./namespaces";

/** What every component gets. */
export interface ComponentArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** The stack's namespaces. */
  namespaces: Namespaces;
  /** Credentials for the gateways. */
  access: Pick<GatewayAccess, "readyFor">;
  /** Certificates, and who trusts them. */
  certificates: Certificates;
  /** What must be there before a monitor or a rule can be made. */
  crds: pulumi.Resource[];
}
