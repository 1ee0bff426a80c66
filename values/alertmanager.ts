/**
 * Alertmanager's configuration, shared by Prometheus' and Mimir's:
 * https://prometheus.io/docs/alerting/latest/configuration/
 */
import { address, smokeTest } from "../names";
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import { proxyOfReceivers } from "./outside";
import { alertmanagerIntegrations } from "./receivers";
import type { Values } from "./shared";

/**
 * The receiver that discards alerts, the dead man's switch, and the smoke test's own receiver. Receivers in the
 * settings cannot have these names.
 */
const nobody = "(nobody)";
const heartbeat = "(heartbeat)";
export const smokeReceiver = "(smoke test)";

/** URL of the smoke test's receiver, which exists while the test runs. */
const smokeUrl = `http://${address({ namespace: smokeTest.namespace, name: smokeTest.receiver, port: smokeTest.receiverPort })}/cgi-bin/alerts`;

type Route = Settings["alerting"]["routes"][number];

/**
 * The SMTP server. With required TLS, Mimir's Alertmanager also expects STARTTLS on port 465, although the connection
 * is encrypted there from the start.
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

/** The matchers of a route, in the syntax that Alertmanager and Grafana share. */
export const matchersOf = ({ severity, team, namespaces }: Route): string[] => [
  ...(severity ? [`severity =~ "${severity.join("|")}"`] : []),
  ...(team ? [`team = "${team}"`] : []),
  ...(namespaces ? [`namespace =~ "${namespaces.join("|")}"`] : []),
];

/** Routes that notify all of these receivers. */
const toAll = (receivers: string[]) => receivers.map((receiver) => ({ receiver, continue: true }));

/**
 * The first matching route of the settings handles an alert; alerts without a matching route go to all default
 * receivers. The configuration contains the receivers' URLs and secrets, so it belongs in a Secret.
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
        // Alerts of the smoke test notify no receiver of the settings. Each alert is sent alone and immediately.
        {
          receiver: smokeReceiver,
          matchers: [`namespace = "${smokeTest.namespace}"`],
          group_by: ["..."],
          group_wait: "0s",
        },
        // Always firing, so that the dead man's switch notices when alerting does not work. Alertmanager checks after
        // each group_interval whether repeat_interval has passed since it sent the last notification, which is shortly
        // after the last check: with equal intervals, every second request would be missing.
        ...(beat
          ? [
              {
                receiver: heartbeat,
                matchers: ['alertname = "Watchdog"'],
                group_wait: "0s",
                group_interval: goDuration(beat.interval),
                repeat_interval: `${beat.interval * 900}ms`,
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
    // An alert of higher severity suppresses those of the same name, namespace and signal.
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
