import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { pages, pulumiFile, pulumiYaml } from "../../scripts/generate";
import { settingsDocument } from "../../scripts/settings-document";
import { described } from "../../settings/describe";

const text = (file: string) => readFileSync(file, "utf8");

describe("unit: generated files", () => {
  for (const [file, written] of Object.entries(pages))
    it(`docs/reference/${basename(file)} is current; npm run generate writes it`, () => {
      expect(text(file)).to.equal(written());
    });

  it("the config block of Pulumi.yaml matches the schema; npm run generate writes it", () => {
    expect(text(pulumiFile)).to.equal(pulumiYaml(text(pulumiFile)));
  });

  it("Pulumi.yaml keeps its other content, including comments", () => {
    const own = "# Ours.\nname: observability # the project\nmain: program.cjs\nruntime:\n  name: nodejs\n";
    expect(pulumiYaml(own).startsWith(own)).to.equal(true);
    const after = `${own}config: {}\nplugins:\n  providers: [] # none\n`;
    expect(pulumiYaml(after)).to.include("plugins:\n  providers: [] # none\n");
    expect(pulumiYaml(pulumiYaml(after))).to.equal(pulumiYaml(after));
  });

  it("Pulumi.yaml declares every setting, and requires only the environment", () => {
    const { config } = parse(text(pulumiFile));
    const { environment, ...groups } = config;
    expect(environment).to.have.keys("type", "description");
    expect(environment.type).to.equal("string");
    expect(["environment", ...Object.keys(groups)]).to.deep.equal([...described.children.keys()]);
    for (const [name, group] of Object.entries<Record<string, unknown>>(groups)) {
      expect(group, name).to.have.keys("type", "description", "default");
      expect(group, name).to.deep.include({ type: "object", default: {} });
    }
  });

  it("both list every setting, and mark every secret", () => {
    const { config } = parse(text(pulumiFile));
    const document = settingsDocument();
    // A group is a heading; a list or table of groups is a setting, and so are those of its items.
    const settings = (setting: typeof described): (typeof described)[] => [
      ...(setting.group ? [] : [setting]),
      ...[...setting.children.values()].filter((one) => setting.group || one.group).flatMap(settings),
    ];
    const all = settings(described).filter(({ path }) => path !== "environment");
    expect(all.length).to.be.greaterThan(200);
    for (const { path, what, secret } of all) {
      const [top = ""] = path.split(".");
      const line = config[top].description.split("\n").find((one: string) => one.startsWith(`${path}: `));
      expect(line, path).to.include(what);
      expect(line?.includes("(secret, "), path).to.equal(secret);
      const row = document.split("\n").find((one) => one.startsWith(`| \`${path}\` |`));
      expect(row, path).to.include(what);
      expect(row?.includes("**Secret.**"), path).to.equal(secret);
    }
    const secrets = all.filter(({ secret }) => secret).map(({ path }) => path);
    expect(secrets).to.have.members([
      "objectStorage.minio.encryptionKey",
      "objectStorage.minio.coldTier.accessKey",
      "objectStorage.minio.coldTier.secretKey",
      ...["loki", "mimir", "tempo", "backup", "restore"].flatMap((consumer) =>
        ["accessKey", "secretKey"].map((key) => `objectStorage.external.${consumer}.${key}`),
      ),
      ...["accessKey", "secretKey", "password"].map((key) => `backups.destination.${key}`),
      "alerting.receivers",
      ...[
        ...["webhookUrl", "slackUrl", "teamsUrl", "pagerdutyKey"],
        ...["opsgenie.apiKey", "sns.accessKey", "sns.secretKey"],
      ].map((key) => `alerting.receivers.<name>.${key}`),
      "alerting.smtp.password",
      "alerting.heartbeat.url",
      "grafana.database.password",
      "grafana.secretKey",
      "grafana.auth.oauth.clientSecret",
      "grafana.auth.ldap.bindPassword",
    ]);
  });
});
