/** Test 8: an alert fires in Prometheus and in Mimir, and is received. */
import { CoreV1Api, CustomObjectsApi } from "@kubernetes/client-node";
import { gatewayUser, services, smokeTest, tenantIn, tenants } from "../../../names";
import { smokeReceiver } from "../../../values/alertmanager";
import { bodyOf } from "../../lib/service";
import { podText } from "../../lib/tunnel";
import { startPod } from "./app";
import { type Check, type Context, type Evidence, evidence } from "./check";
import { type Evaluator, evaluators, receiverManifest, receiverService, ruleManifest } from "./manifest";
import { healthy } from "./view";

const { namespace, receiver } = smokeTest;
/** Seconds that an alert may take: the operator and the kubelet need up to two minutes until Prometheus has a rule. */
const within = 300;

/** A notification of Alertmanager: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
interface Notification {
  receiver: string;
  alerts: { status: string; startsAt: string; labels: Record<string, string> }[];
}

/** The notification of the alert with these labels, in a receiver's log. */
export function notificationsIn(log: string, wanted: Record<string, string>) {
  const told = log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Notification)
    .flatMap(({ receiver, alerts }) => alerts.map((one) => ({ receiver, ...one })))
    .find(
      ({ status, labels }) =>
        status === "firing" && Object.entries(wanted).every(([name, value]) => labels[name] === value),
    );
  return told && { receiver: told.receiver, startsAt: told.startsAt };
}

/** The configuration of an evaluator's Alertmanager. */
async function configurationOf({ settings, stores }: Context, evaluator: Evaluator): Promise<string> {
  const { config } = stores;
  const { mimir, alertmanager } = services(stores.settings);
  const path = "/api/v2/status";
  const pods = { ...alertmanager, selector: "app.kubernetes.io/name=alertmanager" };
  const request = {
    path: `/alertmanager${path}`,
    as: gatewayUser(tenantIn(tenants.nodes, settings), "read"),
  };
  const body =
    evaluator === "mimir" ? await bodyOf(config, mimir, request) : await podText(config, pods, path);
  return JSON.parse(body).config.original;
}

/** @throws if an Alertmanager would send the test's alert to people, before it fires */
async function routed(context: Context, all: Evaluator[]): Promise<void> {
  for (const evaluator of all)
    if (!(await configurationOf(context, evaluator)).includes(smokeReceiver))
      throw new Error(
        `the Alertmanager of ${evaluator} has no route for the smoke test, so that people would be notified; no alert was fired. Run ./obs up once`,
      );
}

/** Creates a rule, and waits until its alert is received. */
async function fired(
  { config, settings, stores, run, until }: Context,
  evaluator: Evaluator,
): Promise<Evidence> {
  const body = ruleManifest(evaluator, run);
  const kind = { group: "monitoring.coreos.com", version: "v1", plural: "prometheusrules" };
  await config.makeApiClient(CustomObjectsApi).createNamespacedCustomObject({ ...kind, namespace, body });
  const created = Date.now();
  const { alert } = evaluators[evaluator];
  // The labels of an agent's alerts name its cluster.
  const wanted = { alertname: alert, run, ...(settings.hub && { cluster: settings.cluster.name }) };
  const core = stores.config.makeApiClient(CoreV1Api);
  const told = await until(within, `alert ${alert}`, async () =>
    notificationsIn(await core.readNamespacedPodLog({ namespace, name: receiver }), wanted),
  );
  return evidence(
    `PrometheusRule ${namespace}/${body.metadata.name}, for ${evaluator === "mimir" ? "Mimir's ruler" : "Prometheus"}`,
    `${alert} fired at ${told.startsAt}, received ${((Date.now() - created) / 1000).toFixed(0)} s after the rule was created`,
  );
}

export const alert: Check = {
  number: 8,
  name: "an alert fires and is received",
  async show(context) {
    const { settings, stores, view } = context;
    // The hub's ruler evaluates all rules of an agent's cluster.
    const all: Evaluator[] = settings.hub ? ["mimir"] : ["prometheus", "mimir"];
    await routed(context, all);
    const health = await healthy(view, ["alertmanager"]);
    await startPod({ ...context, ...stores }, receiverManifest(stores.settings));
    const core = stores.config.makeApiClient(CoreV1Api);
    await core.createNamespacedService({ namespace, body: receiverService() });
    return [...health, ...(await Promise.all(all.map((one) => fired(context, one))))];
  },
};
