/** Alertmanager's configuration, the same for Prometheus' and for Mimir's: https://prometheus.io/docs/alerting/latest/configuration/ */
import { address, smokeTest } from "../names";
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import { proxyOfReceivers } from "./outside";
import { alertmanagerIntegrations } from "./receivers";
import type { Values } from "./shared";

/**
 * The receiver that discards alerts, the dead man's switch, and the smoke test's own receiver; no receiver
 * of the settings can have these names.
 */
const nobody = "(nobody)";
const heartbeat = "(heartbeat)";
export const smokeReceiver = "(smoke test)";

/** Where the smoke test listens while it runs. */
const smokeUrl = `http://${address({ namespace: smokeTest.namespace, name: smokeTest.receiver, port: smokeTest.receiverPort })}/cgi-bin/alerts`;

type Route = Settings["alerting"]["routes"][number];

/**
 * The server that sends emails. Mimir's Alertmanager wants STARTTLS on port 465 too if TLS is required, although the
 * connection is encrypted there from its start.
 */
const smtpGlobals = ({ smtp }: Settings["alerting"]): Values =>
  smtp
    ? {
        smtp_smarthost: smtp.host,
        smtp_from: smtp.from,
        smtp_require_tls: (smtp.tls ?? true) && !smtp.host.endsWith(":465"),
        ...(smtp.user && {
          smtp_auth_username: smtp.user,
          smtp_auth_password: smtp.password?.reveal(),
        }),
      }
    : {};

/** The conditions of a route, as Alertmanager and Grafana write them alike. */
export const matchersOf = ({ severity, team, namespaces }: Route): string[] => [
  ...(severity ? [`severity =~ "${severity.join("|")}"`] : []),
  ...(team ? [`team = "${team}"`] : []),
  ...(namespaces ? [`namespace =~ "${namespaces.join("|")}"`] : []),
];

/** All of these are notified. */
const toAll = (receivers: string[]) => receivers.map((receiver) => ({ receiver, continue: true }));

/**
 * The first route of the settings that fits takes an alert; what none takes goes to everybody. It holds the receivers'
 * URLs and with them their secrets, so it belongs into a Secret.
 */
export function alertmanagerConfig(settings: Settings): Values {
  const { alerting } = settings;
  const globals = { ...smtpGlobals(alerting), ...proxyOfReceivers(settings) };
  const beat = alerting.heartbeat;
  const inhibit = (source: string[], target: string[]) => ({
    source_matchers: source,
    target_matchers: target,
    equal: ["namespace", "alertname", "signal"],
  });
  return {
    ...(Object.keys(globals).length > 0 && { global: globals }),
    route: {
      receiver: nobody,
      group_by: ["cluster", "namespace", "alertname"],
      group_wait: goDuration(alerting.groupWait),
      group_interval: "5m",
      repeat_interval: goDuration(alerting.repeatInterval),
      routes: [
        // Alerts of the smoke test notify nobody. Each alert is sent alone and immediately.
        {
          receiver: smokeReceiver,
          matchers: [`namespace = "${smokeTest.namespace}"`],
          group_by: ["..."],
          group_wait: "0s",
        },
        // Always firing, so that the dead man's switch notices when alerting does not work.
        ...(beat
          ? [
              {
                receiver: heartbeat,
                matchers: ['alertname = "Watchdog"'],
                group_wait: "0s",
                group_interval: goDuration(beat.interval),
                repeat_interval: goDuration(beat.interval),
              },
            ]
          : []),
        { receiver: nobody, matchers: ['alertname =~ "Watchdog|InfoInhibitor"'] },
        ...alerting.routes.map((route) => ({
          receiver: nobody,
          matchers: matchersOf(route),
          routes: toAll(route.receivers),
        })),
        ...toAll(Object.keys(alerting.receivers)),
      ],
    },
    // A worse alert of the same name, namespace and signal speaks for the lesser ones.
    inhibit_rules: [
      inhibit(['severity = "critical"'], ['severity =~ "warning|info"']),
      inhibit(['severity = "warning"'], ['severity = "info"']),
      {
        source_matchers: ['alertname = "InfoInhibitor"'],
        target_matchers: ['severity = "info"'],
        equal: ["namespace"],
      },
    ],
    receivers: [
      { name: nobody },
      { name: smokeReceiver, webhook_configs: [{ url: smokeUrl, send_resolved: false }] },
      ...(beat
        ? [{ name: heartbeat, webhook_configs: [{ url: beat.url.reveal(), send_resolved: false }] }]
        : []),
      ...Object.entries(alerting.receivers).map(([name, receiver]) => ({
        name,
        ...alertmanagerIntegrations(receiver),
      })),
    ],
  };
}
