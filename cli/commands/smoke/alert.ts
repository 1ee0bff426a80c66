/** Test 8: an alert fires in Prometheus and in Mimir, and is received (R8.5, R12). */
import { CoreV1Api, CustomObjectsApi } from "@kubernetes/client-node";
import { gatewayUser, services, smokeTest, tenants } from "../../../names";
import type { Settings } from "../../../settings";
import { smokeReceiver } from "../../../values/alertmanager";
import { isReady, reasonOf } from "../../lib/objects";
import { bodyOf } from "../../lib/service";
import { podText } from "../../lib/tunnel";
import type { Check, Context, Evidence } from "./check";
import {
  alertName,
  type Evaluator,
  evaluators,
  receiverManifest,
  receiverService,
  ruleManifest,
} from "./manifest";
import { healthy } from "./view";

const { namespace, receiver } = smokeTest;
/** How long an alert may take: the operator and the kubelet need up to two minutes until Prometheus has a rule. Seconds. */
const within = 300;

/** An alert as Alertmanager tells it: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
interface Told {
  receiver: string;
  alerts: { status: string; startsAt: string; labels: Record<string, string> }[];
}

/** What a receiver's log has of an alert of a run, where it was told. */
export function toldOf(
  log: string,
  alert: string,
  run: string,
): { receiver: string; startsAt: string } | undefined {
  for (const line of log.split("\n").filter((text) => text.startsWith("{"))) {
    const told = JSON.parse(line) as Told;
    const found = told.alerts.find(
      ({ status, labels }) => status === "firing" && labels["alertname"] === alert && labels["run"] === run,
    );
    if (found) return { receiver: told.receiver, startsAt: found.startsAt };
  }
  return undefined;
}

/** Alertmanager's pods. */
const alertmanager = (settings: Settings) => ({
  ...services(settings).alertmanager,
  selector: "app.kubernetes.io/name=alertmanager",
});

/** The configuration that an Alertmanager runs with. */
async function configurationOf({ config, settings }: Context, evaluator: Evaluator): Promise<string> {
  const body =
    evaluator === "mimir"
      ? await bodyOf(config, services(settings).mimir, {
          path: "/alertmanager/api/v2/status",
          as: gatewayUser(tenants.nodes, "read"),
        })
      : await podText(config, alertmanager(settings), "/api/v2/status");
  return JSON.parse(body).config.original;
}

/** @throws where an Alertmanager would tell people of the test's alert, before there is one */
async function routed(context: Context): Promise<void> {
  for (const evaluator of Object.keys(evaluators) as Evaluator[])
    if (!(await configurationOf(context, evaluator)).includes(smokeReceiver))
      throw new Error(
        `the Alertmanager of ${evaluator} has no route for the smoke test, so no alert was fired: people would have been told; run ./obs up once`,
      );
}

/** Starts the pod that is told. */
async function listen({ config, settings, until }: Context): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespacedPod({ namespace, body: receiverManifest(settings) });
  await core.createNamespacedService({ namespace, body: receiverService() });
  const read = () => core.readNamespacedPod({ namespace, name: receiver });
  await until(120, `pod ${namespace}/${receiver}`, async () => isReady(await read()) || undefined).catch(
    async () => {
      throw new Error(`pod ${namespace}/${receiver} is not ready after 120 s: ${reasonOf(await read())}`);
    },
  );
}

/** Makes a rule, and waits until its alert is told. */
async function fired({ config, run, until }: Context, evaluator: Evaluator): Promise<Evidence> {
  const body = ruleManifest(evaluator, run);
  await config.makeApiClient(CustomObjectsApi).createNamespacedCustomObject({
    group: "monitoring.coreos.com",
    version: "v1",
    plural: "prometheusrules",
    namespace,
    body,
  });
  const made = Date.now();
  const alert = alertName(evaluator);
  const core = config.makeApiClient(CoreV1Api);
  const told = await until(within, `alert ${alert}`, async () =>
    toldOf(await core.readNamespacedPodLog({ namespace, name: receiver }), alert, run),
  );
  return {
    asked: `PrometheusRule ${namespace}/${body.metadata.name}, for ${evaluator === "mimir" ? "Mimir's ruler" : "Prometheus"}`,
    answer: `${alert} fired at ${told.startsAt}, received ${((Date.now() - made) / 1000).toFixed(0)} s after the rule was made`,
  };
}

export const alert: Check[] = [
  {
    number: 8,
    name: "an alert fires and is received",
    async show(context) {
      await routed(context);
      const health = await healthy(context.view, ["alertmanager"]);
      await listen(context);
      const all = (Object.keys(evaluators) as Evaluator[]).map((one) => fired(context, one));
      return [...health, ...(await Promise.all(all))];
    },
  },
];
