/** grafana.ini: https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/ */
import { grafanaPeers, usesTls } from "../names";
import type { Settings } from "../settings";
import { answerTimeout } from "../settings/queries";
import { loginConfiguration } from "./grafana-login";
import type { Values } from "./shared";

/** Folder with the certificate, if Grafana uses TLS. */
export const certificateFolder = "/etc/grafana-tls";

/** TLS of Grafana's own server; a renewed certificate is reloaded without a restart. */
const serverTls = (settings: Settings) =>
  usesTls(settings)
    ? {
        protocol: "https",
        min_tls_version: "TLS1.2",
        cert_file: `${certificateFolder}/tls.crt`,
        cert_key: `${certificateFolder}/tls.key`,
        certs_watch_interval: "1m",
      }
    : {};

/** The SMTP server for emails about alerts; the password comes from the environment. */
const smtp = ({ alerting }: Settings) =>
  alerting.smtp
    ? {
        smtp: {
          enabled: true,
          host: alerting.smtp.host,
          from_address: alerting.smtp.from,
          ...(alerting.smtp.user && { user: alerting.smtp.user }),
          startTLS_policy: alerting.smtp.tls === false ? "NoStartTLS" : "MandatoryStartTLS",
        },
      }
    : {};

/** Its sections; grafana-login.ts has those of the login. */
export function grafanaIni(settings: Settings): Values {
  const { grafana } = settings;
  const url = new URL(grafana.url);
  const https = url.protocol === "https:";
  return {
    server: {
      root_url: grafana.url,
      domain: url.hostname,
      serve_from_sub_path: url.pathname !== "/",
      ...serverTls(settings),
    },
    security: {
      cookie_secure: https,
      strict_transport_security: https,
      disable_gravatar: true,
      content_security_policy: true,
    },
    analytics: {
      reporting_enabled: false,
      check_for_updates: false,
      check_for_plugin_updates: false,
      feedback_links_enabled: false,
    },
    // A gateway client must have a longer timeout than the gateway: otherwise a long query fails only in Grafana.
    dataproxy: { timeout: answerTimeout(settings) },
    ...smtp(settings),
    // Both show data without a login, to anyone with the link.
    snapshots: { enabled: false, external_enabled: false },
    public_dashboards: { enabled: false },
    log: { mode: "console" },
    "log.console": { format: "json" },
    ...(grafana.database && {
      database: {
        type: "postgres",
        host: grafana.database.host,
        name: grafana.database.name,
        user: grafana.database.user,
        ssl_mode: grafana.database.tls,
      },
    }),
    // Several replicas send an alert only once, because they deduplicate notifications.
    ...(grafana.replicas > 1 && {
      unified_alerting: {
        ha_listen_address: "[$__env{POD_IP}]:9094",
        ha_advertise_address: "[$__env{POD_IP}]:9094",
        ha_peers: grafanaPeers(settings),
      },
    }),
    ...loginConfiguration(settings),
  };
}
