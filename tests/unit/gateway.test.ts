/** Users of the gateways, their passwords, and the clients that have them. */
import { expect } from "chai";
import type { Recording } from "../../cli/lib/record";
import { gatewayAccess, gatewayUser, type Store, stores } from "../../names";
import {
  clientPasswords,
  credentialKeys,
  gatewayClients,
  gatewayPods,
  gatewayUsers,
  gatewayUsersFile,
  passwordFile,
} from "../../values/gateway";
import { gatewayConfiguration } from "../../values/gateway-nginx";
import { type Config, errorOf, recordingOf, settingsOf } from "../support/stacks";

const more: Config = { mimir: { tenants: { team: {} } }, tempo: { tenants: { guests: {} } } };
const namesOf = (store: Store, config: Config = {}) =>
  gatewayUsers(store, settingsOf("prod", config)).map(({ name }) => name);

describe("unit: users of the gateways", () => {
  it("are a reader and a writer for each tenant, in Mimir one for rules, and readers of several tenants as one", () => {
    expect(namesOf("loki", more)).to.deep.equal(["logs-read", "logs-write"]);
    expect(namesOf("tempo", more)).to.have.members([
      "traces-read",
      "traces-write",
      "guests-read",
      "guests-write",
    ]);
    const mimir = gatewayUsers("mimir", settingsOf("prod", more));
    for (const tenant of ["pods", "nodes", "prometheus", "team", "rollup-5m", "rollup-1h"])
      for (const role of ["read", "write", "rules"] as const)
        expect(mimir).to.deep.include({ name: `${tenant}-${role}`, tenant, role });
    const federated = mimir.filter(({ tenant }) => tenant.includes("|"));
    expect(federated).to.deep.equal([
      { name: "pods.nodes-read", tenant: "pods|nodes", role: "read" },
      {
        name: "pods.nodes.rollup-5m.rollup-1h-read",
        tenant: "pods|nodes|rollup-5m|rollup-1h",
        role: "read",
      },
    ]);
    expect(mimir).to.have.length(6 * 3 + 2);
  });

  it("have unique names that are valid in a URL, a file and a Secret's key", () => {
    // The longest valid tenant name.
    const tenants = Object.fromEntries(["pods-read", "a", "a-b", "x".repeat(63)].map((name) => [name, {}]));
    for (const store of stores) {
      const names = namesOf(store, { mimir: { tenants }, tempo: { tenants } });
      expect(new Set(names).size).to.equal(names.length);
      for (const name of names) {
        expect(name).to.match(/^[a-z0-9.-]+$/);
        for (const key of Object.values(credentialKeys(store, name)))
          expect(key).to.match(/^[-._a-zA-Z0-9]{1,253}$/);
      }
    }
    // A name with a dot could be parsed as several tenants.
    const { problems } = errorOf(() => settingsOf("dev", { mimir: { tenants: { "pods.nodes": {} } } }));
    expect(problems[0]?.path).to.equal("mimir.tenants.pods.nodes");
    expect(gatewayUser("pods|nodes", "read")).to.equal("pods.nodes-read");
  });

  it("appear in a gateway's configuration by name, without a password", () => {
    for (const store of stores) {
      const text = gatewayConfiguration(store, settingsOf("prod", more));
      for (const { name, tenant } of gatewayUsers(store, settingsOf("prod", more)))
        expect(text).to.include(`"${name}" "${tenant}";`);
      expect(text).not.to.include("Basic [");
      expect(text.match(/include/g)).to.have.length(1);
      expect(text.split("{").length, "braces").to.equal(text.split("}").length);
    }
  });
});

describe("unit: the file with a gateway's users", () => {
  /** nginx' result for the file: the user of a header. */
  const login = (file: string, header: string) => {
    for (const line of file.trim().split("\n")) {
      const [, pattern = "", user] = /^"~(.*)" "(.*)";$/.exec(line) ?? [];
      if (new RegExp(pattern).test(header)) return user;
    }
    return undefined;
  };
  const header = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

  it("has a line for each accepted password, those of a user one after the other", () => {
    const file = gatewayUsersFile({ "a-read": ["one", "two"], "a-write": ["three"] });
    expect(file.match(/\n/g)).to.have.length(3);
    expect(login(file, header("a-read:one"))).to.equal("a-read");
    expect(login(file, header("a-read:two"))).to.equal("a-read");
    expect(login(file, header("a-write:three"))).to.equal("a-write");
    expect(login(file, header("a-read:three"))).to.equal(undefined);
  });

  it("accepts every character of a password literally, and nothing before or after it", () => {
    for (const password of ["~~~", "???>>>", "a+b/c=", ":", "'\"", "{};$1\\", "Wör†"]) {
      const file = gatewayUsersFile({ user: [password] });
      const right = header(`user:${password}`);
      expect(login(file, right), password).to.equal("user");
      for (const wrong of [`${right}x`, ` ${right}`, right.toLowerCase(), right.replace("Basic", "basic")])
        expect(login(file, wrong), wrong).to.equal(undefined);
      // None of its characters ends the line or the string, or is a variable.
      expect(file).to.match(/^"~\^Basic [\w\\+/=]+\$" "user";\n$/);
    }
    expect(gatewayUsersFile({ user: ["~~~???>>>"] }))
      .to.match(/\\\+/)
      .and.to.match(/\//);
  });
});

describe("unit: clients of the gateways", () => {
  const clients = (config: Config = {}) =>
    Object.fromEntries(
      Object.entries(gatewayClients(settingsOf("prod", config))).map(([who, of]) => [
        who,
        of.map(([store, user]) => `${store}/${user}`),
      ]),
    );

  it("use an existing user: a writer for collectors, and a reader for Grafana", () => {
    for (const config of [{}, more, { tracing: { metricsFrom: "alloy", sampling: { ratio: 1 } } }])
      for (const all of Object.values(gatewayClients(settingsOf("prod", config))))
        for (const [store, user] of all) expect(namesOf(store, config), user).to.include(user);
    const found = clients(more);
    for (const who of ["alloyLogs", "alloyTraces", "tempo", "monitoring"])
      for (const user of found[who] ?? []) expect(user, who).to.match(/-write$/);
    for (const user of found["grafana"] ?? []) expect(user).to.match(/-read$/);
    expect(found).to.deep.include({
      alloyLogs: ["loki/logs-write"],
      alloyTraces: ["tempo/traces-write", "mimir/pods-write", "mimir/nodes-write", "loki/logs-write"],
      tempo: ["mimir/pods-write"],
      monitoring: ["mimir/prometheus-write"],
    });
    expect(found["alloyMetrics"]).to.include.members([
      "mimir/pods-write",
      "mimir/nodes-write",
      "mimir/team-rules",
    ]);
    // A rule can read every tenant, so that only the collector that loads rules can change them.
    const loaders = Object.keys(found).filter((who) => found[who]?.some((user) => user.endsWith("-rules")));
    expect(loaders).to.deep.equal(["alloyMetrics"]);
    expect(found["grafana"]).to.include.members(["loki/logs-read", "mimir/team-read", "tempo/guests-read"]);
  });

  it("have only their own passwords as files", () => {
    const { volume, mount } = clientPasswords([["loki", "logs-write"]]);
    const key = "loki-logs-write.password";
    expect(volume).to.deep.equal({
      name: "gateway-credentials",
      secret: { secretName: "gateway-credentials", items: [{ key, path: key }] },
    });
    expect(mount).to.deep.equal({ name: "gateway-credentials", mountPath: "/etc/gateway", readOnly: true });
    expect(passwordFile(["loki", "logs-write"])).to.equal(`${mount.mountPath}/${key}`);
  });

  it("restarts gateways when the accepted generations change", () => {
    const generations = (...taken: number[]) =>
      gatewayPods(settingsOf("prod", { access: { generations: taken } })).annotations;
    expect(generations(1)).to.deep.equal({ "observability/password-generations": "1" });
    expect(generations(2, 1)).to.deep.equal({ "observability/password-generations": "2,1" });
  });
});

describe("unit: the gateways' passwords", function () {
  // Each stack is recorded as a whole.
  this.timeout(120_000);
  const password = "random:index/randomPassword:RandomPassword";
  const secretType = "kubernetes:core/v1:Secret";
  // Tests read nested inputs, whose types say only that they are plain data.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  type Any = any;
  const secretsOf = ({ resources }: Recording, name: string): Record<string, Record<string, string>> =>
    Object.fromEntries(
      resources
        .filter(({ type, inputs }: Any) => type === secretType && inputs.metadata.name === name)
        .map(({ inputs }: Any) => [inputs.metadata.namespace, inputs.stringData]),
    );
  const passwordsOf = ({ resources }: Recording) =>
    resources.filter(({ type, name }) => type === password && name.startsWith("gateway-"));

  it("are generated, one for each user and generation, long and of letters and digits", async () => {
    for (const generations of [[1], [1, 2]]) {
      const recording = await recordingOf("prod", { access: { generations } });
      const wanted = stores.flatMap((store) =>
        namesOf(store).flatMap((user) => generations.map((each) => `gateway-${store}-${user}-${each}`)),
      );
      const found = passwordsOf(recording);
      expect(found.map(({ name }) => name)).to.have.members(wanted);
      for (const { inputs } of found) expect(inputs).to.deep.include({ length: 40, special: false });
    }
  });

  it("stay the same for a generation when another is added or removed before or after it", async () => {
    const namesAt = async (...generations: number[]) =>
      passwordsOf(await recordingOf("prod", { access: { generations } })).map(({ name }) => name);
    const [first, both, second] = [await namesAt(1), await namesAt(1, 2), await namesAt(2)];
    expect(both).to.have.members([...first, ...second]);
  });

  it("are where they are needed: those of a gateway's users in its namespace, that of a client in its own", async () => {
    for (const environment of ["dev", "prod"] as const) {
      const recording = await recordingOf(environment, more);
      const settings = settingsOf(environment, more);
      const found = secretsOf(recording, gatewayAccess.credentialsSecret);
      const keys = (all: readonly (readonly [Store, string])[]) =>
        all.flatMap((credential) => Object.values(credentialKeys(...credential)));
      const own = (store: Store) => gatewayUsers(store, settings).map(({ name }) => [store, name] as const);
      const clients = gatewayClients(settings);
      const wanted: Record<string, string[]> = {
        loki: keys(own("loki")),
        mimir: keys(own("mimir")),
        tempo: keys([...own("tempo"), ...clients.tempo]),
        "alloy-logs": keys(clients.alloyLogs),
        "alloy-metrics": keys(clients.alloyMetrics),
        "alloy-traces": keys(clients.alloyTraces),
        monitoring: keys(clients.monitoring),
        grafana: keys(clients.grafana),
      };
      expect(Object.keys(found)).to.have.members(Object.keys(wanted));
      for (const [namespace, of] of Object.entries(wanted))
        expect(Object.keys(found[namespace] ?? {}), namespace).to.have.members(of);
      for (const [key, value] of Object.values(found).flatMap(Object.entries))
        expect(value, key).to.equal(
          key.endsWith(".password") ? "[generated]" : key.replace(/^\w+-(.*)\.username$/, "$1"),
        );
      // Collectors cannot read data of other writers, except KEDA next to Alloy, which counts targets.
      for (const namespace of ["alloy-logs", "alloy-traces", "monitoring"])
        expect(Object.keys(found[namespace] ?? {}).join(), namespace).not.to.match(/-read\./);
      expect(Object.keys(found["grafana"] ?? {}).join()).not.to.match(/-write\./);
    }
  });

  it("are all accepted by the gateway, the current generation first", async () => {
    const lines = async (...generations: number[]) => {
      const found = secretsOf(
        await recordingOf("prod", { access: { generations } }),
        gatewayAccess.usersSecret,
      );
      expect(Object.keys(found)).to.have.members([...stores]);
      return found;
    };
    const [one, two] = [await lines(1), await lines(1, 2)];
    for (const store of stores) {
      expect(Object.keys(one[store] ?? {})).to.deep.equal(["users.conf"]);
      const usersOf = (text = "") => [...text.matchAll(/"([^"]+)";$/gm)].map(([, user]) => user);
      expect(usersOf(one[store]?.["users.conf"])).to.deep.equal(namesOf(store));
      expect(usersOf(two[store]?.["users.conf"])).to.deep.equal(
        namesOf(store).flatMap((user) => [user, user]),
      );
    }
  });

  it("exist before their users: Helm starts no gateway and no client without its Secret", async () => {
    const { resources } = await recordingOf("prod");
    const before: Record<string, string[]> = {
      loki: ["loki"],
      mimir: ["mimir"],
      tempo: ["tempo"],
      "alloy-logs": ["alloy-logs"],
      "alloy-metrics": ["alloy-metrics"],
      "alloy-traces": ["alloy-traces"],
      kps: ["monitoring"],
      grafana: ["grafana"],
    };
    const secrets = resources.filter(({ type, name }) => type === secretType && name.includes("gateway-"));
    for (const [release, namespaces] of Object.entries(before)) {
      const [found] = resources.filter(
        ({ type, name }) => type === "observability:index:HelmRelease" && name === release,
      );
      for (const { type, name, inputs } of secrets as Any[])
        if (namespaces.includes(inputs.metadata.namespace))
          expect(found?.options.dependencies, release).to.include(`${type}::${name}`);
    }
  });

  it("appear in no values of a chart", async () => {
    const { resources } = await recordingOf("prod", { access: { generations: [1, 2] } });
    for (const { type, name, inputs } of resources.filter((one) => one.type.endsWith(":Release"))) {
      const text = JSON.stringify(inputs);
      expect(text, `${type} ${name}`).not.to.match(/\[generated\]|Basic [\w+/]{20,}/);
    }
  });
});
