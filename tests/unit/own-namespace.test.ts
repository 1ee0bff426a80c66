/** The namespace of a command: runs that end, that are killed and that overlap. */
import { ApiException, type KubeConfig, type V1Namespace } from "@kubernetes/client-node";
import { expect } from "chai";
import { inNamespace } from "../../cli/lib/namespace";
import { settingsOf } from "../support/stacks";

describe("the namespace of a command", () => {
  let live: V1Namespace | undefined;
  let lines: string[];
  const api = {
    readNamespace: async () => {
      if (!live) throw new ApiException(404, "not found", "", {});
      return live;
    },
    createNamespace: async ({ body }: { body: V1Namespace }) => {
      live = body;
    },
    deleteNamespace: async () => {
      live = undefined;
    },
    patchNamespace: async ({ body }: { body: V1Namespace }) => {
      live = { metadata: { ...live?.metadata, ...body.metadata } };
    },
  };
  const config = { makeApiClient: () => api } as unknown as KubeConfig;
  const run = <T>(action: () => Promise<T>, keep = false) =>
    inNamespace(
      { config, settings: settingsOf("dev") },
      { name: "obs-smoke", labels: { a: "b" } },
      (line) => lines.push(line),
      action,
      { keep, silent: 20 },
    );
  const names = async () => live?.metadata?.name;

  beforeEach(() => {
    live = undefined;
    lines = [];
  });

  it("exists during the action, and is deleted also if the action fails", async () => {
    expect(await run(names)).to.equal("obs-smoke");
    expect(live).to.equal(undefined);
    const failed = run(() => Promise.reject(new Error("no"))).catch(String);
    expect(await failed).to.equal("Error: no");
    expect(live).to.equal(undefined);
  });

  it("is kept on demand, and deleted by the next run", async () => {
    await run(names, true);
    expect(live?.metadata?.labels).to.deep.equal({
      a: "b",
      "app.kubernetes.io/managed-by": "obs",
      "pod-security.kubernetes.io/enforce": "restricted",
    });
    expect(lines).to.deep.equal([
      "namespace obs-smoke is kept until the next run: kubectl delete namespace obs-smoke",
    ]);
    await run(names);
    expect(lines).to.include("a run that has ended left it; deleting it");
    expect(live).to.equal(undefined);
  });

  it("is refused to a second run, and if no command created it", async () => {
    await run(names, true);
    const beating = setInterval(() => {
      live = { metadata: { name: "obs-smoke", annotations: { "observability/alive": `${Math.random()}` } } };
    }, 5);
    const second = await run(names).catch(String);
    clearInterval(beating);
    expect(second).to.include("another test uses namespace obs-smoke");
    live = { metadata: { name: "obs-smoke" } };
    expect(await run(names).catch(String)).to.include("no obs command created it");
    expect(live).to.deep.equal({ metadata: { name: "obs-smoke" } });
  });
});
