/** Alertmanager's configuration, the same for Prometheus' and for Mimir's: https://prometheus.io/docs/alerting/latest/configuration/ */
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import type { Values } from "./shared";

/** Who is told nothing; no receiver of the settings can have this name. */
const nobody = "(nobody)";

/**
 * Every alert goes to every receiver. It holds the receivers' URLs and with them their secrets, so it belongs into a
 * Secret.
 */
export function alertmanagerConfig({ alerting }: Settings): Values {
  const receivers = Object.entries(alerting.receivers).map(([name, { webhookUrl }]) => ({
    name,
    webhook_configs: [{ url: webhookUrl.reveal(), send_resolved: true }],
  }));
  const inhibit = (source: string[], target: string[]) => ({
    source_matchers: source,
    target_matchers: target,
    equal: ["namespace", "alertname"],
  });
  return {
    route: {
      receiver: nobody,
      group_by: ["cluster", "namespace", "alertname"],
      group_wait: goDuration(alerting.groupWait),
      group_interval: "5m",
      repeat_interval: goDuration(alerting.repeatInterval),
      routes: [
        // Always firing: they say that alerting works, and which alerts not to send.
        { receiver: nobody, matchers: ['alertname =~ "Watchdog|InfoInhibitor"'] },
        ...receivers.map(({ name }) => ({ receiver: name, continue: true })),
      ],
    },
    // A worse alert of the same name and namespace speaks for the lesser ones.
    inhibit_rules: [
      inhibit(['severity = "critical"'], ['severity =~ "warning|info"']),
      inhibit(['severity = "warning"'], ['severity = "info"']),
      {
        source_matchers: ['alertname = "InfoInhibitor"'],
        target_matchers: ['severity = "info"'],
        equal: ["namespace"],
      },
    ],
    receivers: [{ name: nobody }, ...receivers],
  };
}
