/** Components in another Pulumi program: with its own namespaces and S3, and without Pulumi configuration. */
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { type Recorded, recordProgram } from "../../cli/lib/record";
import { AlloyLogs } from "../../components/alloy-logs";
import { knownSettings, type NamespaceNames } from "../../components/args";
import { GatewayAccess } from "../../components/gateway-access";
import { Grafana } from "../../components/grafana";
import { HubAccess } from "../../components/hub";
import { Loki } from "../../components/loki";
import { Namespaces } from "../../components/namespaces";
import { ObjectStorage } from "../../components/object-storage";
import type { S3Args } from "../../components/object-storage/args";
import type { NamespaceKey } from "../../names";
import { defineSettings, type Settings, type SettingsChanges, SettingsError } from "../../settings";
import { errorOf, withoutMirror } from "../support/stacks";

// biome-ignore lint/suspicious/noExplicitAny: tests read nested inputs
type Any = any;

/** A value that becomes known during the deployment. */
const later = <T>(value: T): pulumi.Output<T> => pulumi.output(Promise.resolve(value)) as pulumi.Output<T>;

const s3 = (): S3Args => ({
  endpoint: later("s3.eu-west-3.amazonaws.com"),
  region: "eu-west-3",
  buckets: { loki: later("logs-of-the-program") },
  credentials: { loki: { accessKey: later("access"), secretKey: pulumi.secret("secret-of-the-bucket") } },
});
const changes: SettingsChanges = { environment: "prod", cluster: { name: "shop" } };
const ownNames = () => ({ loki: later("logging"), alloyLogs: later("collectors") });

interface Options {
  settings?: Settings;
  namespaces?: () => NamespaceNames<"loki" | "alloyLogs">;
  s3?: () => S3Args;
  /** Prefix of the components' names in Pulumi. */
  prefix?: string;
}

function logs({ settings = defineSettings(changes), namespaces = ownNames, prefix = "", ...more }: Options) {
  const args = { settings, namespaces: namespaces() };
  const storage = new ObjectStorage(`${prefix}object-storage`, { ...args, s3: (more.s3 ?? s3)() });
  const access = new GatewayAccess(`${prefix}gateway-access`, args);
  const loki = new Loki(`${prefix}loki`, { ...args, access, storage });
  new AlloyLogs(`${prefix}alloy-logs`, { ...args, access });
  return { url: loki.url, endpoint: storage.endpoint, passwords: access.passwords.loki };
}

const record = (program: () => pulumi.Inputs) =>
  withoutMirror(() => recordProgram("shop", {}, async () => program()));
const find = (resources: Recorded[], type: string, name: string): Any => {
  const found = resources.find((one) => one.type === type && one.name === name);
  if (!found) throw new Error(`there is no ${type} ${name}`);
  return found.inputs;
};
const release = "kubernetes:helm.sh/v3:Release";
const secret = "kubernetes:core/v1:Secret";

describe("unit: components in another program", function () {
  this.timeout(60_000);

  it("install into its namespaces and use its S3", async () => {
    const { resources, outputs } = await record(() => logs({}));
    const loki = find(resources, release, "loki");
    expect(loki.namespace).to.equal("logging");
    expect(loki.values.loki.storage.bucketNames.chunks).to.equal("logs-of-the-program");
    expect(JSON.stringify(loki.values)).to.include("s3.eu-west-3.amazonaws.com");
    expect(JSON.stringify(loki.values)).not.to.include("secret-of-the-bucket");
    expect(JSON.stringify(loki.values)).to.include("loki.logging.shop").and.not.to.include(".loki.svc");
    const alloy = find(resources, release, "alloy-logs");
    expect(alloy.namespace).to.equal("collectors");
    expect(JSON.stringify(alloy.values)).to.include("http://loki-gateway.logging.svc");
    expect(find(resources, secret, "loki-s3")).to.deep.include({
      metadata: { name: "loki-s3", namespace: "logging" },
      stringData: { S3_ACCESS_KEY: "access", S3_SECRET_KEY: "secret-of-the-bucket" },
    });
    expect(outputs["url"]?.value).to.equal("http://loki-gateway.logging.svc");
    expect(outputs["endpoint"]?.value).to.equal("s3.eu-west-3.amazonaws.com");
    expect(Object.keys(outputs["passwords"]?.value as object)).to.have.members(["logs-read", "logs-write"]);
    expect(outputs["passwords"]?.secret).to.equal(true);
  });

  it("create nothing for stores and clients that it does not install", async () => {
    const { resources } = await record(() => logs({}));
    const secrets = resources.filter(({ type }) => type === secret);
    expect(
      secrets.map(({ inputs }: Any) => `${inputs.metadata.namespace}/${inputs.metadata.name}`),
    ).to.have.members([
      "logging/loki-s3",
      "logging/gateway-users",
      "logging/gateway-credentials",
      "collectors/gateway-credentials",
    ]);
    expect(resources.filter(({ type }) => type === release)).to.have.length(2);
  });

  it("do not share a namespace", async () => {
    const shared = () => ({ loki: later("logs"), alloyLogs: later("logs") });
    const { outputs } = await record(() => {
      const args = { settings: defineSettings(changes), namespaces: shared() };
      const known = knownSettings(args).apply(() => "accepted") as unknown as { promise(): Promise<string> };
      return { verdict: known.promise().catch(String) };
    });
    expect(outputs["verdict"]?.value).to.include(
      'namespaces.loki: invalid value "logs" (must be a namespace of its own, but namespaces.alloyLogs is the same)',
    );
  });

  it("can be used twice, for two clusters", async () => {
    const { resources } = await record(() => {
      logs({});
      logs({ prefix: "eu-" });
      return {};
    });
    const names = resources.map(({ type, name }) => `${type}::${name}`);
    expect(new Set(names).size).to.equal(names.length);
    expect(find(resources, release, "eu-loki-loki").name).to.equal("loki");
  });

  it("use the namespaces that Namespaces creates", async () => {
    const only: NamespaceKey[] = ["loki", "alloyLogs"];
    const { resources } = await record(() => {
      const settings = defineSettings({ ...changes, namespaces: { prefix: "shop-" } });
      const { names } = new Namespaces("namespaces", { settings, only });
      return logs({ settings, namespaces: () => names });
    });
    const created = resources.filter(({ type }) => type === "kubernetes:core/v1:Namespace");
    expect(created.map(({ name }) => name)).to.deep.equal(["shop-loki", "shop-alloy-logs"]);
    expect(find(resources, release, "loki").namespace).to.equal("shop-loki");
  });

  it("have no node selector of OpenShift in the namespaces of DaemonSets", async () => {
    const selectorsOf = async (platform: "openshift" | "eks") => {
      const { resources } = await record(() => {
        const settings = defineSettings({ ...changes, cluster: { name: "shop", platform } });
        new Namespaces("namespaces", { settings, only: ["loki", "alloyLogs", "monitoring"] });
        return {};
      });
      return resources
        .filter(({ type }) => type === "kubernetes:core/v1:Namespace")
        .map(({ inputs }: Any) => inputs.metadata.annotations["openshift.io/node-selector"]);
    };
    expect(await selectorsOf("openshift")).to.deep.equal([undefined, "", ""]);
    expect(await selectorsOf("eks")).to.deep.equal([undefined, undefined, undefined]);
  });

  it("use the identity of the pods if there are no credentials", async () => {
    const { credentials: _, ...identity } = s3();
    const roles = { loki: later("arn:aws:iam::123456789012:role/logs") };
    const { resources } = await record(() => logs({ s3: () => ({ ...identity, roles }) }));
    expect(resources.map(({ name }) => name)).not.to.include("loki-s3");
    expect(find(resources, release, "loki").values.serviceAccount.annotations).to.deep.equal({
      "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/logs",
    });
  });

  it("reject missing credentials", async () => {
    const credentials = { mimir: { accessKey: "a", secretKey: "b" } };
    let message = "";
    await record(() => {
      try {
        logs({ s3: () => ({ ...s3(), credentials }) });
      } catch (error) {
        message = (error as Error).message;
      }
      return {};
    });
    expect(message).to.equal(
      "s3.credentials.loki: not set (must be an accessKey and a secretKey, because namespaces.loki is set)",
    );
  });

  it("collect logs for a hub, without a store", async () => {
    const { resources } = await record(() => {
      const endpoints = {
        loki: "https://loki.hub.test",
        mimir: "https://m.hub.test",
        tempo: "https://t.hub.test",
      };
      const settings = defineSettings({ ...changes, hub: { stack: "acme/observability/hub", endpoints } });
      const args = { settings, namespaces: { alloyLogs: later("collectors") } };
      const access = new HubAccess("hub-access", {
        ...args,
        passwords: { loki: pulumi.secret("of the hub") },
        client: { certificate: "of shop", key: pulumi.secret("key of shop") },
      });
      new AlloyLogs("alloy-logs", { ...args, access });
      return {};
    });
    const { alloy } = find(resources, release, "alloy-logs").values;
    expect(alloy.extraEnv).to.deep.include({ name: "LOKI_URL", value: "https://loki.hub.test" });
    expect(alloy.extraEnv).to.deep.include({ name: "LOKI_USER", value: "shop-write" });
    const [credentials, ...others] = resources.filter(({ type }) => type === secret);
    expect(others).to.deep.equal([]);
    expect(credentials?.inputs).to.deep.include({
      metadata: { name: "gateway-credentials", namespace: "collectors" },
      stringData: {
        "loki-shop-write.username": "shop-write",
        "loki-shop-write.password": "of the hub",
        "client.crt": "of shop",
        "client.key": "key of shop",
      },
    });
  });
});

describe("unit: defineSettings", () => {
  it("has the defaults of the environment, with the program's values over them", () => {
    const settings = defineSettings({
      environment: "dev",
      loki: { ingester: { replicas: 2, disk: "8Gi" }, retention: { debug: "1d" } },
    });
    expect(settings.loki.ingester).to.include({ replicas: 2, disk: 8 * 1024 ** 3, cpu: 50 });
    expect(settings.loki.retention).to.include({ debug: 86400 });
    expect(settings.cluster.name).to.equal("dev");
  });

  it("reports every problem as the stack does, and the fix for a program", () => {
    const { message } = errorOf(() =>
      defineSettings({
        environment: "prod",
        loki: { querier: { replicas: "many" } },
        // @ts-expect-error there is no such setting
        mimirr: {},
      }),
    );
    expect(message).to.include("2 invalid settings; no changes were made.");
    expect(message).to.match(
      /mimirr: unknown setting. Did you mean mimir\? Valid: .*\n {4}Remove it from the argument of defineSettings/,
    );
    expect(message).to.include(
      '  loki.querier.replicas: invalid value "many" (must be an integer between 1 and 100)\n' +
        "    Fix it in the argument of defineSettings",
    );
  });

  it("leaves the settings of Grafana to Grafana, if the program sets none", async () => {
    const settings = defineSettings(changes);
    const args = { settings, namespaces: { grafana: "grafana", monitoring: "monitoring" } };
    const nothing = { readyFor: () => [] };
    let error: unknown;
    await record(() => {
      try {
        new Grafana("grafana", { ...args, access: nothing, certificates: nothing });
      } catch (thrown) {
        error = thrown;
      }
      return {};
    });
    expect(error).to.be.instanceOf(SettingsError);
    expect(String(error)).to.include("grafana.auth.kind: invalid value").and.include("defineSettings");
    expect(() => defineSettings({ ...changes, grafana: {} })).to.throw(SettingsError);
  });

  it("is checked by the compiler", () => {
    const wrong = () => [
      // @ts-expect-error a number of replicas is no boolean
      defineSettings({ environment: "prod", loki: { querier: { replicas: true } } }),
      // @ts-expect-error the environment is dev or prod
      defineSettings({ environment: "test" }),
      // @ts-expect-error without an environment there are no defaults
      defineSettings({ loki: {} }),
    ];
    expect(wrong).to.be.a("function");
  });
});
