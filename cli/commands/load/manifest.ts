/** The objects of a load test: a namespace, and everything in it. */
import type { V1Job } from "@kubernetes/client-node";
import { caBundle, clientLabel, loadTest, usesTls } from "../../../names";
import type { Settings } from "../../../settings";
import { environment, mirrored, restrictedContainer } from "../../../values/shared";
import { trustedCa } from "../../../values/tls";
import type { OwnNamespace } from "../../lib/namespace";
import { restrictedPod } from "../../lib/script-pod";
import { longest, type Plan } from "./plan";

/** https://github.com/grafana/k6/releases */
export const k6Image = "docker.io/grafana/k6:1.8.1";
/** Folder of the script in the pod. */
const folder = "/load";
/** Its name, there and in the ConfigMap. */
export const script = "script.js";
const { namespace, name } = loadTest;
/** Of all objects. */
export const metadata = {
  name,
  namespace,
  labels: { "app.kubernetes.io/name": "k6", "app.kubernetes.io/managed-by": "obs" },
};

/** The namespace: a client of the gateways. */
export const ownNamespace: OwnNamespace = { name: namespace, labels: { [clientLabel]: "true" } };

/** The Job: one pod, without retries. */
export function jobManifest(settings: Settings, plan: Plan): V1Job {
  const trust = trustedCa(settings);
  return {
    metadata,
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: longest(plan) + 300,
      template: {
        metadata: { labels: metadata.labels },
        spec: {
          ...restrictedPod(settings, { runAsUser: 12345, runAsGroup: 12345, fsGroup: 12345 }),
          containers: [
            {
              name: "k6",
              image: mirrored(settings, k6Image),
              args: ["run", "--quiet", "--no-color", "--log-format", "raw", `${folder}/${script}`],
              env: environment({
                LOAD_PLAN: JSON.stringify(plan),
                // No usage report, no downloads.
                K6_NO_USAGE_REPORT: "true",
                K6_AUTO_EXTENSION_RESOLUTION: "false",
                HOME: "/tmp",
                ...(usesTls(settings) && { SSL_CERT_FILE: caBundle.path }),
              }),
              envFrom: [{ secretRef: { name } }],
              // A CPU limit would make the generator measure itself.
              resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "2Gi" } },
              securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
              volumeMounts: [
                { name: "script", mountPath: folder, readOnly: true },
                { name: "tmp", mountPath: "/tmp" },
                ...trust.mounts,
              ],
            },
          ],
          volumes: [{ name: "script", configMap: { name } }, { name: "tmp", emptyDir: {} }, ...trust.volumes],
        },
      },
    },
  };
}
