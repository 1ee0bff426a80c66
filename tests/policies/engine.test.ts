/** The policy pack with the real engine: previews of both stacks pass, and each violation is reported with its message. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { root } from "../../cli/lib/stack-config";
import { rules } from "../../policies/rules";
import { project } from "../../settings";
import { ApiServer } from "../support/api-server";
import { type Broken, broken } from "../support/broken";
import { furnish } from "../support/furnish";
import { type Result, TestStack } from "../support/pulumi";
import { freePort } from "../support/servers";
import { ready } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";

/** A project that runs this one with one violation, which a variable selects. */
function brokenProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "observability-broken-"));
  const project = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8"));
  writeFileSync(join(folder, "Pulumi.yaml"), stringify({ ...project, main: "broken.cjs" }));
  writeFileSync(
    join(folder, "broken.cjs"),
    `const { createRequire } = require("node:module");
const here = createRequire(${JSON.stringify(join(root, "program.cjs"))});
here("tsx/cjs");
const pulumi = here("@pulumi/pulumi");
const { broken } = here("./tests/support/broken.ts");
const one = broken.find(({ about }) => about === process.env.OBS_BROKEN);
pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
  const alter = (inputs) => {
    one?.alter?.({ type, name, inputs });
    return inputs;
  };
  // The values of a release are an output, which a transformation cannot change in place.
  if (!pulumi.Output.isInstance(props.values)) return { props: alter(props), opts };
  const altered = props.values.apply((known) => alter({ ...props, values: structuredClone(known) }));
  const changed = ["values", "chart", "version"].map((key) => [key, altered.apply((all) => all[key])]);
  return { props: { ...props, ...Object.fromEntries(changed) }, opts };
});
const program = here("./program.cjs");
module.exports = async () => ({ ...(await program()), ...one?.outputs });
`,
  );
  // The program reads files of the project by their names.
  const own = /^(\.git|\.obs|node_modules|Pulumi\..*yaml)$/;
  for (const entry of readdirSync(root).filter((name) => !own.test(name)))
    symlinkSync(join(root, entry), join(folder, entry));
  return folder;
}

/** The message, up to the fix. */
const expected = ({ rule, says }: Broken): string => {
  const { why } = rules.find(({ id }) => id === rule) ?? { why: "" };
  return `${says}: ${why}. `;
};

describe("policies: previews with the pack", function () {
  this.timeout(30 * 60 * 1000);
  let api: ApiServer;
  let folder: string;
  let localPort: number;
  const stacks = new Map<string, TestStack>();

  before(async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver", "pulumi");
    await needsCharts(this);
    api = await ApiServer.start(etcd, kubeApiserver);
    await furnish(api);
    folder = brokenProject();
    localPort = await freePort();
    const base = new TestStack("base", api.kubeconfig(), ready("dev"));
    for (const environment of ["dev", "prod"] as const) {
      const source = { folder, project, beside: base };
      const stack = new TestStack(environment, api.kubeconfig(), ready(environment), source);
      const made = stack.init();
      expect(made.code, made.output).to.equal(0);
      stacks.set(environment, stack);
    }
  });

  after(async () => {
    await api?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  function preview({ environment = "prod", config = {}, about }: Partial<Broken>): Result {
    const stack = stacks.get(environment);
    if (!stack) throw new Error(`there is no stack ${environment}`);
    // Several previews may run on this machine, and each needs a port.
    const { minio } = (config["objectStorage"] ?? {}) as { minio?: object };
    const objectStorage = { minio: { localPort, ...minio } };
    stack.configure({ ...ready(environment), ...config, objectStorage });
    return stack.run(
      ["preview", "--policy-pack", join(root, "policies"), "--non-interactive", "--suppress-progress"],
      { OBS_BROKEN: about ?? "" },
    );
  }

  for (const environment of ["dev", "prod"] as const)
    it(`pass for ${environment} as shipped`, () => {
      const { code, output } = preview({ environment });
      expect(code, output).to.equal(0);
      expect(output).not.to.include("[mandatory]");
      expect(output).not.to.include("can't run policy");
      expect(output).to.include("[advisory]  loki-index");
    });

  for (const one of broken)
    it(`are rejected: ${one.about}`, () => {
      const { code, output } = preview(one);
      expect(code, output).not.to.equal(0);
      expect(output, output).to.include(`[mandatory]  ${one.rule}  `);
      expect(output).to.include(expected(one));
    });
});
