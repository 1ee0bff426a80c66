/**
 * The Job that deletes the rules and the Alertmanagers of removed agents from Mimir. Retention covers only blocks, and
 * without an entry in the settings, Mimir would evaluate the rules again.
 */
import { readFileSync } from "node:fs";
import { projectFile } from "../files";
import imagePins from "../images.json";
import { address, namespaces } from "../names";
import type { Settings } from "../settings";
import { sendingAgents } from "../settings/agents";
import { rulerPoll } from "./mimir-configuration";
import { scheduling } from "./scheduling";
import { checksum, environment, image, pullSecrets, resources, restrictedContainer } from "./shared";
import { podUser } from "./user-ids";

const name = "mimir-removed-agents";

/** The Job; undefined if no agent is removed. Jobs are immutable, so that its name contains a checksum. */
export function removedAgentsJob(settings: Settings) {
  const sending = sendingAgents(settings);
  const removed = Object.keys(settings.agents).filter((agent) => !sending.includes(agent));
  if (removed.length === 0) return undefined;
  const namespace = namespaces(settings).mimir;
  const labels = { "app.kubernetes.io/name": name };
  const { repository, tag } = image(settings, imagePins.nginx);
  const url = (component: string) =>
    `http://${address({ namespace, name: `mimir-${component}`, port: 8080 })}`;
  const spec = {
    backoffLimit: 3,
    template: {
      metadata: { labels },
      spec: {
        restartPolicy: "Never",
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        ...scheduling(settings, "mimir"),
        imagePullSecrets: pullSecrets(settings),
        securityContext: {
          runAsNonRoot: true,
          ...podUser(settings, { runAsUser: 101, runAsGroup: 101, fsGroup: 101 }),
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [
          {
            name: "delete",
            // The gateway's image, which has a shell and wget.
            image: `${repository}:${tag}`,
            command: [
              "/bin/sh",
              "-c",
              readFileSync(projectFile("values", "removed-agents.sh"), "utf8"),
              name,
            ],
            args: removed,
            env: environment({
              RULER: url("ruler"),
              ALERTMANAGER: url("alertmanager"),
              // A minute more, for a busy ruler.
              POLL_SECONDS: String(rulerPoll + 60),
            }),
            terminationMessagePolicy: "FallbackToLogsOnError",
            resources: resources(settings.mimir.gateway),
            securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
          },
        ],
      },
    },
  };
  return {
    metadata: {
      name: `${name}-${checksum(spec).slice(0, 8)}`,
      namespace,
      labels,
      // An update does not wait for minutes. If the Job fails, KubeJobFailed fires.
      annotations: { "pulumi.com/skipAwait": "true" },
    },
    spec,
  };
}
