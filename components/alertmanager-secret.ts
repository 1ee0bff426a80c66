import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { alertmanagerFile, alertmanagerSecret } from "../names";
import type { Settings } from "../settings";
import { alertmanagerConfig } from "../values/alertmanager";

/** Alertmanager's configuration, which names receivers, as a Secret. @param name its name in Pulumi */
export const createAlertmanagerSecret = (
  name: string,
  settings: Settings,
  namespace: pulumi.Input<string>,
  parent: pulumi.Resource,
): k8s.core.v1.Secret =>
  new k8s.core.v1.Secret(
    name,
    {
      metadata: { name: alertmanagerSecret, namespace },
      stringData: { [alertmanagerFile]: pulumi.secret(stringify(alertmanagerConfig(settings))) },
    },
    { parent },
  );
