/** A short-lived pod that runs a shell script, with Pod Security's level `restricted`. */
import { readFileSync } from "node:fs";
import type { V1Container, V1EnvVar, V1Pod, V1Volume } from "@kubernetes/client-node";
import type { Settings } from "../../settings";
import { onLinux } from "../../values/scheduling";
import { mirrored, pullSecrets, restrictedContainer } from "../../values/shared";
import { podUser } from "../../values/user-ids";

/** https://hub.docker.com/_/busybox */
export const smokeImage = "docker.io/library/busybox:1.38.0";

export interface ScriptPod {
  name: string;
  namespace: string;
  labels?: Record<string, string>;
  /** Path of the script. */
  script: string;
  env: V1EnvVar[];
  /** Seconds until Kubernetes ends the pod. */
  seconds: number;
  /** Seconds between SIGTERM and SIGKILL. */
  grace: number;
  /** More fields of the container. */
  container?: Partial<V1Container>;
  volumes?: V1Volume[];
}

/** The fields of a pod that runs once, with Pod Security's level `restricted`. */
export const restrictedPod = (settings: Settings, user: Parameters<typeof podUser>[1]) => ({
  restartPolicy: "Never",
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  ...onLinux,
  imagePullSecrets: pullSecrets(settings),
  securityContext: {
    runAsNonRoot: true,
    ...podUser(settings, user),
    seccompProfile: { type: "RuntimeDefault" },
  },
});

export const scriptPod = (settings: Settings, pod: ScriptPod): V1Pod => ({
  metadata: {
    name: pod.name,
    namespace: pod.namespace,
    labels: {
      "app.kubernetes.io/name": pod.name,
      "app.kubernetes.io/managed-by": "obs",
      ...pod.labels,
    },
  },
  spec: {
    ...restrictedPod(settings, { runAsUser: 10001, runAsGroup: 10001 }),
    activeDeadlineSeconds: pod.seconds,
    terminationGracePeriodSeconds: pod.grace,
    containers: [
      {
        name: pod.name,
        image: mirrored(settings, smokeImage),
        command: ["sh", "-c", readFileSync(pod.script, "utf8")],
        env: pod.env,
        resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { cpu: "200m", memory: "64Mi" } },
        securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
        ...pod.container,
      },
    ],
    ...(pod.volumes && { volumes: pod.volumes }),
  },
});
