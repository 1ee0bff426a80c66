import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { releases } from "../names";
import {
  cadvisorDaemonSet,
  cadvisorMonitor,
  cadvisorService,
  cadvisorServiceAccount,
} from "../values/cadvisor";
import type { ComponentArgs } from "./args";

/** cAdvisor on every node, which measures each container's CPU, memory, disk and network. */
export class CAdvisor extends pulumi.ComponentResource {
  constructor(
    name: string,
    args: Omit<ComponentArgs<"monitoring">, "access">,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("observability:index:CAdvisor", name, {}, opts);
    const { settings, namespaces, crds = [] } = args;
    const placed = <T extends { metadata: object }>(object: T) => ({
      ...object,
      metadata: { ...object.metadata, namespace: namespaces.monitoring },
    });
    const account = new k8s.core.v1.ServiceAccount(
      releases.cadvisor,
      placed(cadvisorServiceAccount(settings)),
      {
        parent: this,
      },
    );
    const { metadata, spec } = placed(cadvisorDaemonSet(settings));
    // No resource depends on it, and a single node that is not ready must not fail the update: ./obs doctor reports its
    // pods.
    const annotations = { "pulumi.com/skipAwait": "true" };
    new k8s.apps.v1.DaemonSet(
      releases.cadvisor,
      { metadata: { ...metadata, annotations }, spec },
      { parent: this, dependsOn: account },
    );
    new k8s.core.v1.Service(releases.cadvisor, placed(cadvisorService(settings)), { parent: this });
    if (settings.cadvisor.expose.includes("serviceMonitor"))
      new k8s.apiextensions.CustomResource(
        releases.cadvisor,
        {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "ServiceMonitor",
          ...placed(cadvisorMonitor(settings)),
        },
        { parent: this, dependsOn: crds },
      );
    this.registerOutputs({});
  }
}
