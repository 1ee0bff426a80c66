/**
 * Rollback of each release with the commands in docs/operations/runbook.md: a change that restarts one workload, the
 * rollback, and a check for leftovers. It restarts components of the stack; Pulumi's state does not change.
 */
import { AppsV1Api, CoreV1Api } from "@kubernetes/client-node";
import { expect } from "chai";
import { type ChartName, chartSources, pins } from "../../charts";
import { releases } from "../../names";
import { type LiveStack, liveStack } from "../support/live";
import { namespaces } from "../support/names";
import { filled, runbook } from "../support/runbook";
import { shell } from "../support/shell";

/** A release, and a value of its chart that adds an annotation to the pods of one workload. */
interface Case {
  release: string;
  namespace: string;
  chart: ChartName;
  workload: ["Deployment" | "StatefulSet" | "DaemonSet", string];
  /** The chart's key for annotations of those pods. */
  annotations: string;
}

const cases: Case[] = [
  {
    ...{ release: releases.minio, namespace: namespaces.minio, chart: "minio" },
    ...{ workload: ["Deployment", "minio"], annotations: "podAnnotations" },
  },
  {
    ...{ release: releases.loki, namespace: namespaces.loki, chart: "loki" },
    ...{ workload: ["StatefulSet", "loki-ingester"], annotations: "ingester.podAnnotations" },
  },
  {
    ...{ release: releases.mimir, namespace: namespaces.mimir, chart: "mimir-distributed" },
    ...{ workload: ["StatefulSet", "mimir-ingester"], annotations: "ingester.podAnnotations" },
  },
  {
    ...{ release: releases.tempo, namespace: namespaces.tempo, chart: "tempo-distributed" },
    ...{ workload: ["StatefulSet", "tempo-ingester"], annotations: "ingester.podAnnotations" },
  },
  {
    ...{ release: releases.alloyLogs, namespace: namespaces.alloyLogs, chart: "alloy" },
    ...{ workload: ["DaemonSet", "alloy-logs"], annotations: "controller.podAnnotations" },
  },
  {
    ...{ release: releases.alloyMetrics, namespace: namespaces.alloyMetrics, chart: "alloy" },
    ...{ workload: ["StatefulSet", "alloy-metrics"], annotations: "controller.podAnnotations" },
  },
  {
    ...{ release: releases.alloyTraces, namespace: namespaces.alloyTraces, chart: "alloy" },
    ...{ workload: ["StatefulSet", "alloy-traces"], annotations: "controller.podAnnotations" },
  },
  {
    ...{ release: releases.grafana, namespace: namespaces.grafana, chart: "grafana" },
    ...{ workload: ["Deployment", "grafana"], annotations: "podAnnotations" },
  },
  {
    ...{ release: releases.kubePrometheusStack, namespace: namespaces.monitoring },
    ...{ chart: "kube-prometheus-stack", annotations: "kube-state-metrics.podAnnotations" },
    workload: ["Deployment", "kps-kube-state-metrics"],
  },
  {
    ...{ release: releases.openTelemetryOperator, namespace: namespaces.opentelemetry },
    ...{ chart: "opentelemetry-operator", annotations: "manager.podAnnotations" },
    workload: ["Deployment", "opentelemetry-operator"],
  },
];

const annotation = "rollback-test";

/** Output of `helm ls` for a release, in which names of charts end with their version. */
interface Listed {
  revision: string;
  status: string;
  chart: string;
}

describe("rollback: each release, with the runbook's commands", function () {
  this.timeout(15 * 60_000);
  let live: LiveStack;
  before(async function () {
    live = await liveStack(this);
    if (live.settings.environment === "prod" && process.env["OBS_ROLLBACK_YES"] !== "true")
      throw new Error(
        `stack ${live.stack} is a prod stack: say OBS_ROLLBACK_YES=true to restart its components`,
      );
  });

  const run = async (line: string) => {
    const { codes, stdout, stderr } = await shell(line, 12 * 60);
    if (codes.some((code) => code !== 0)) throw new Error(`${line}: ${stderr.trim().slice(-500)}`);
    return stdout;
  };
  const listed = async ({ release, namespace }: Case): Promise<Listed> =>
    JSON.parse(await run(`helm ls -n ${namespace} --filter '^${release}$' -o json`))[0];
  /** Fields that Pulumi's provider compares with its inputs: values, chart and status. */
  const seenByPulumi = async (one: Case) => {
    const { chart, status } = await listed(one);
    const values = JSON.parse(await run(`helm get values ${one.release} -n ${one.namespace} -o json`));
    return { chart, status, values };
  };
  const workload = async ({ namespace, workload: [kind, name] }: Case) => {
    const apps = live.config.makeApiClient(AppsV1Api);
    const { spec, status } = await {
      Deployment: () => apps.readNamespacedDeployment({ namespace, name }),
      StatefulSet: () => apps.readNamespacedStatefulSet({ namespace, name }),
      DaemonSet: () => apps.readNamespacedDaemonSet({ namespace, name }),
    }[kind]();
    const wanted = (spec as { replicas?: number }).replicas ?? 1;
    const ready = (status as { readyReplicas?: number; numberReady?: number } | undefined) ?? {};
    const labels = Object.entries(spec?.selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
    const pods = await live.config
      .makeApiClient(CoreV1Api)
      .listNamespacedPod({ namespace, labelSelector: labels.join(",") });
    const alive = pods.items.filter(({ metadata }) => !metadata?.deletionTimestamp);
    return {
      wanted,
      ready: ready.readyReplicas ?? ready.numberReady ?? 0,
      annotated: alive.filter(({ metadata }) => metadata?.annotations?.[annotation]).length,
      uids: alive.map(({ metadata }) => metadata?.uid ?? "").sort(),
    };
  };

  for (const one of cases) {
    const { release, namespace, chart, annotations } = one;
    it(`${release}: a change and its rollback, without leftovers`, async () => {
      const command = runbook()
        .commands.flatMap(({ text }) => filled(text))
        .find((text) => text.startsWith(`helm rollback ${release} -n ${namespace} `));
      if (!command) throw new Error("the runbook has no command for it");
      const { chart: source, repository } = chartSources(live.stack, live.settings)[chart];
      const { version } = pins[chart];
      const from = repository ? `${source} --repo ${repository} --version ${version}` : source;
      const before = await seenByPulumi(one);
      const { revision } = await listed(one);
      expect(before.chart, "the live chart is the pinned one").to.match(new RegExp(`-${version}$`));
      expect(before.status).to.equal("deployed");
      // Helm would merge the kept values over those of a chart's new version; it is the same version.
      const upgrade = `helm upgrade ${release} ${from} -n ${namespace} --reuse-values --skip-crds --wait --timeout 10m`;
      const roll = async (line: string) => {
        await run(line);
        const [kind, name] = one.workload;
        await run(`kubectl -n ${namespace} rollout status ${kind.toLowerCase()}/${name} --timeout=10m`);
        return workload(one);
      };
      try {
        const changed = await roll(`${upgrade} --set-string ${annotations}.${annotation}=${release}`);
        expect(changed.annotated, "pods with the change").to.equal(changed.wanted);
      } finally {
        const back = await roll(command).catch(async (error: Error) => {
          // The runbook's fix: a PVC that the first revision's manifest describes differently.
          if (!/cannot patch .* with kind PersistentVolumeClaim/.test(error.message)) throw error;
          const failed = await listed(one);
          expect(failed.status).to.equal("failed");
          return roll(command.replace(` ${release} `, ` ${release} ${failed.revision} `));
        });
        expect(back.annotated, "pods that still have the change").to.equal(0);
        expect(back.ready, "ready").to.equal(back.wanted);
      }
      expect(await seenByPulumi(one)).to.deep.equal(before);
      expect(Number((await listed(one)).revision), "revision").to.be.greaterThan(Number(revision) + 1);

      // The next `up` with the reverted settings: the same values once more. No pod is recreated.
      const { uids } = await workload(one);
      const again = await roll(upgrade);
      expect(again.uids, "pods").to.deep.equal(uids);
      expect(await seenByPulumi(one)).to.deep.equal(before);
    });
  }
});
