/** What a load test makes in the cluster: one namespace, and in it all else. */
import type { V1ConfigMap, V1Job, V1Namespace, V1Secret } from "@kubernetes/client-node";
import { caBundle, clientLabel, loadTest, usesTls } from "../../../names";
import type { Settings } from "../../../settings";
import { onLinux } from "../../../values/scheduling";
import { mirrored } from "../../../values/shared";
import { trustedCa } from "../../../values/tls";
import { podUser } from "../../../values/user-ids";
import { longest, type Plan } from "./plan";

/** https://github.com/grafana/k6/releases */
export const k6Image = "docker.io/grafana/k6:1.8.1";
/** Arguments by which k6 runs a script, and prints nothing but what the script does. */
const k6Arguments = (path: string): string[] => ["run", "--quiet", "--no-color", "--log-format", "raw", path];

/** The environment in which k6 asks nobody but this stack. */
const k6Environment = (settings: Settings) => [
  // It tells nobody outside of its runs, and fetches nothing.
  { name: "K6_NO_USAGE_REPORT", value: "true" },
  { name: "K6_AUTO_EXTENSION_RESOLUTION", value: "false" },
  { name: "HOME", value: "/tmp" },
  // What it trusts is Go's own to read.
  ...(usesTls(settings) ? [{ name: "SSL_CERT_FILE", value: caBundle.path }] : []),
];

/** The user whom k6's image has, in a pod that may do no more than Pod Security's `restricted`. */
const k6PodSecurity = (settings: Settings) => ({
  runAsNonRoot: true,
  ...podUser(settings, { runAsUser: 12345, runAsGroup: 12345, fsGroup: 12345 }),
  seccompProfile: { type: "RuntimeDefault" },
});

/** Where the script lies in the pod. */
const folder = "/load";
/** Key of the script in its ConfigMap. */
const script = "script.js";
const { namespace, name } = loadTest;
const metadata = {
  name,
  namespace,
  labels: { "app.kubernetes.io/name": "k6", "app.kubernetes.io/managed-by": "obs" },
};

/** The namespace: its pods may reach the gateways, and may do no more than Pod Security's `restricted`. */
export const namespaceManifest = (): V1Namespace => ({
  metadata: {
    name: namespace,
    labels: {
      "app.kubernetes.io/managed-by": "obs",
      [clientLabel]: "true",
      "pod-security.kubernetes.io/enforce": "restricted",
    },
  },
});

/** The script. */
export const scriptManifest = (text: string): V1ConfigMap => ({ metadata, data: { [script]: text } });

/** The CA certificate that Alloy is verified with. @param data of the stack's own ConfigMap */
export const caManifest = (data: Record<string, string>): V1ConfigMap => ({
  metadata: { ...metadata, name: caBundle.name },
  data,
});

/** The credentials, as variables of the environment. */
export const credentialsManifest = (credentials: Record<string, string>): V1Secret => ({
  metadata,
  stringData: credentials,
});

/** The Job: one pod, one try. */
export function jobManifest(settings: Settings, plan: Plan): V1Job {
  const { images } = settings;
  const trust = trustedCa(settings);
  return {
    metadata,
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: longest(plan) + 300,
      template: {
        metadata: { labels: metadata.labels },
        spec: {
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...onLinux,
          ...(images.pullSecret && { imagePullSecrets: [{ name: images.pullSecret }] }),
          securityContext: k6PodSecurity(settings),
          containers: [
            {
              name: "k6",
              image: mirrored(settings, k6Image),
              args: k6Arguments(`${folder}/${script}`),
              env: [{ name: "LOAD_PLAN", value: JSON.stringify(plan) }, ...k6Environment(settings)],
              envFrom: [{ secretRef: { name } }],
              // No CPU limit: a generator that is held back would measure itself.
              resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "2Gi" } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
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
