import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import type { NamespaceKey } from "../names";
import { alertmanagerFile, alertmanagerSecret } from "../names";
import type { Settings } from "../settings";
import { alertmanagerConfig } from "../values/alertmanager";
import type { Namespaces } from "./namespaces";

/** Lays Alertmanager's configuration, which names receivers, into a namespace. */
export const layAlertmanagerConfig = (
  settings: Settings,
  namespaces: Namespaces,
  namespace: NamespaceKey,
  parent: pulumi.Resource,
): k8s.core.v1.Secret =>
  new k8s.core.v1.Secret(
    `${namespace}-${alertmanagerSecret}`,
    {
      metadata: { name: alertmanagerSecret, namespace: namespaces.name(namespace) },
      stringData: { [alertmanagerFile]: pulumi.secret(stringify(alertmanagerConfig(settings))) },
    },
    { parent },
  );
