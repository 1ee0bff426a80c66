import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { releases } from "../names";
import type { Settings } from "../settings";
import { cadvisorDaemonSet, cadvisorMonitor, cadvisorService } from "../values/cadvisor";
import type { Namespaces } from "./namespaces";

export interface CAdvisorArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** The stack's namespaces. */
  namespaces: Namespaces;
  /** What must be there before its ServiceMonitor can be made. */
  crds: pulumi.Resource[];
}

/** cAdvisor on every node, measuring each container's CPU, memory, disk and network (R10). */
export class CAdvisor extends pulumi.ComponentResource {
  constructor(name: string, args: CAdvisorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:CAdvisor", name, {}, opts);
    const { settings, namespaces, crds } = args;
    const placed = <T extends { metadata: object }>(object: T) => ({
      ...object,
      metadata: { ...object.metadata, namespace: namespaces.name("monitoring") },
    });
    new k8s.apps.v1.DaemonSet(releases.cadvisor, placed(cadvisorDaemonSet(settings)), { parent: this });
    new k8s.core.v1.Service(releases.cadvisor, placed(cadvisorService(settings)), { parent: this });
    if (settings.cadvisor.expose.includes("serviceMonitor"))
      new k8s.apiextensions.CustomResource(
        releases.cadvisor,
        { apiVersion: "monitoring.coreos.com/v1", kind: "ServiceMonitor", ...placed(cadvisorMonitor()) },
        { parent: this, dependsOn: crds },
      );
    this.registerOutputs({});
  }
}
