/** Settings of alerting with every integration, each in a receiver of its own. */
export const everyIntegration = {
  receivers: {
    mail: { email: ["team@test.dev", "oncall@test.dev"] },
    hook: { webhookUrl: "https://hooks.test/web" },
    slack: { slackUrl: "https://hooks.test/slack" },
    teams: { teamsUrl: "https://hooks.test/teams" },
    pager: { pagerdutyKey: "key-of-pagerduty" },
    genie: { opsgenie: { apiKey: "key-of-opsgenie", region: "eu" } },
    topic: {
      sns: {
        topicArn: "arn:aws:sns:eu-central-1:123456789012:alerts",
        accessKey: "access-key-of-sns",
        secretKey: "secret-key-of-sns",
      },
    },
  },
  smtp: { host: "smtp.test:587", from: "stack@test.dev", user: "alerts", password: "password-of-smtp" },
} as const;
