/** Rules about alert receivers and routes. */

import { integrations } from "./alerting";
import { type Check, problem } from "./check";

/** Every receiver has an integration, and every route names an existing receiver. */
const alertingReceivers: Check = ({ alerting }) => [
  ...Object.entries(alerting.receivers).flatMap(([name, receiver]) =>
    problem(
      Object.values(receiver).every((one) => one === undefined || (Array.isArray(one) && !one.length)),
      `alerting.receivers.${name}`,
      "empty",
      `at least one of ${integrations.join(", ")}`,
    ),
  ),
  ...alerting.routes.flatMap(({ receivers }, index) =>
    receivers.flatMap((name) =>
      problem(
        !(name in alerting.receivers),
        `alerting.routes[${index}].receivers`,
        name,
        `names in alerting.receivers: ${Object.keys(alerting.receivers).join(", ") || "there are none"}`,
      ),
    ),
  ),
];

/** Alerts by email need a server, whose password must not travel in plain text. */
const alertingSmtp: Check = ({ alerting: { receivers, smtp } }) => {
  const [mailed] = Object.entries(receivers).find(([, { email }]) => email?.length) ?? [];
  if (!smtp)
    return problem(
      mailed !== undefined,
      "alerting.smtp",
      undefined,
      `set, because alerting.receivers.${mailed} has email addresses`,
    );
  return [
    ...problem(
      smtp.user !== undefined && !smtp.password,
      "alerting.smtp.password",
      undefined,
      "a secret (set with --secret), because alerting.smtp.user is set",
    ),
    ...problem(
      smtp.user === undefined && smtp.password !== undefined,
      "alerting.smtp.user",
      undefined,
      "set, because alerting.smtp.password is set",
    ),
    ...problem(
      smtp.user !== undefined && smtp.tls === false,
      "alerting.smtp.tls",
      false,
      "true, because the password of alerting.smtp.user would travel in plain text",
    ),
  ];
};

/** SNS needs both keys or none. */
const alertingSns: Check = ({ alerting }) =>
  Object.entries(alerting.receivers).flatMap(([name, { sns }]) => {
    const missing = sns?.accessKey ? "secretKey" : "accessKey";
    return problem(
      sns !== undefined && Boolean(sns.accessKey) !== Boolean(sns.secretKey),
      `alerting.receivers.${name}.sns.${missing}`,
      undefined,
      "a secret (set with --secret); both keys are set, or neither",
    );
  });

/** Rules about alerting. */
export const alertingChecks: Check[] = [alertingReceivers, alertingSmtp, alertingSns];
