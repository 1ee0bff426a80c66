/** The Job of a removed agent with a real Mimir: nothing of its rules and of its Alertmanager is left in the buckets. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { until } from "../../cli/lib/poll";
import { mimirOverrides } from "../../values/mimir-configuration";
import { removedAgentsJob } from "../../values/removed-agents";
import { ApiServer } from "../support/api-server";
import { Mimir } from "../support/mimir";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const hubOf = (removed?: string) =>
  settingsOf("dev", {
    agents: { "eu-1": removed ? { removed } : {}, "us-1": {} },
    access: { ingress: { domain: "hub.stack.test" } },
  });

describe("binaries: rules and Alertmanager of a removed agent", function () {
  this.timeout(360_000);
  let folder: string;
  let mimir: Mimir | undefined;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "observability-removed-agent-"));
  });
  after(async () => {
    await mimir?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Objects of a tenant in the buckets of rules and of Alertmanager. */
  const objectsOf = (tenant: string): string[] =>
    ["ruler", "alertmanager"].flatMap((bucket) =>
      readdirSync(join(folder, "mimir", bucket), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name).replace(join(folder, "mimir", bucket), bucket))
        .filter((path) => path.split("/").includes(tenant)),
    );

  it("have a Job that the API server accepts, with the level restricted of Pod Security", async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver");
    const api = await ApiServer.start(etcd, kubeApiserver);
    try {
      const level = "pod-security.kubernetes.io/enforce";
      const namespace = { name: "mimir", labels: { [level]: "restricted" } };
      await api.create({ apiVersion: "v1", kind: "Namespace", metadata: namespace });
      const job = removedAgentsJob(hubOf("keepData"));
      const { template } = job?.spec ?? {};
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...job?.metadata, name: "one" },
        spec: template?.spec,
      };
      const made = await Promise.all(
        [{ apiVersion: "batch/v1", kind: "Job", ...job }, pod].map((object) => api.create(object as never)),
      );
      expect(
        made.map(({ status }) => status),
        JSON.stringify(made),
      ).to.deep.equal([201, 201]);
    } finally {
      await api.stop();
    }
  });

  it("are deleted, although its alerts fired until then, and those of other agents are kept", async function () {
    const [program = ""] = needs(this, "mimir");
    const running = await Mimir.start(program, join(folder, "mimir"), hubOf(), [
      "-alertmanager.persist-interval=2s",
      "-ruler.poll-interval=5s",
      "-runtime-config.reload-period=1s",
    ]);
    mimir = running;
    const group = (name: string) =>
      stringify({
        name,
        interval: "2s",
        rules: [{ alert: name, expr: "vector(1)", labels: { severity: "none" } }],
      });
    for (const tenant of ["eu-1", "us-1"])
      for (const name of ["one", "two"]) {
        const answer = await running.ask(tenant, "/prometheus/config/v1/rules/own", {
          method: "POST",
          headers: { "content-type": "application/yaml" },
          body: group(name),
        });
        expect(answer.status, answer.body).to.equal(202);
      }
    // Two rule groups, the fallback configuration, and the state.
    const written = async (tenant: string) => objectsOf(tenant).length === 4;
    await until(
      120,
      "objects of both tenants",
      async () => (await written("eu-1")) && (await written("us-1")),
    );

    const removed = hubOf("deleteData");
    writeFileSync(join(folder, "mimir", "runtime.yaml"), stringify({ overrides: mimirOverrides(removed) }));
    expect(removedAgentsJob(hubOf())).to.equal(undefined);
    const [container] = removedAgentsJob(removed)?.spec.template.spec.containers ?? [];
    const [shell = "", ...args] = [...(container?.command ?? []), ...(container?.args ?? [])];
    const environment = Object.fromEntries(container?.env.map(({ name, value }) => [name, value]) ?? []);
    expect(environment).to.deep.equal({
      RULER: "http://mimir-ruler.mimir.svc:8080",
      ALERTMANAGER: "http://mimir-alertmanager.mimir.svc:8080",
      POLL_SECONDS: "180",
    });
    const here = { ...environment, RULER: running.url, ALERTMANAGER: running.url, POLL_SECONDS: "8" };
    // The image has BusyBox's wget, with the same options.
    const script = spawn(shell, args, {
      env: { ...process.env, ...here },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    script.stderr.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    const [code] = await once(script, "close");
    expect(code, errors).to.equal(0);
    await until(
      90,
      "no objects",
      async () => objectsOf("eu-1").length === 0 || Promise.reject(new Error(objectsOf("eu-1").join())),
    );
    // Neither returns, and nothing else is deleted.
    await new Promise((done) => setTimeout(done, 20_000));
    expect(objectsOf("eu-1")).to.deep.equal([]);
    expect(objectsOf("us-1")).to.have.length(4);
  });
});
