/**
 * The drill of invalid settings: `./obs up --yes` with each mistake, and its message. None of them may change anything:
 * the stack's state has no resources, and the cluster has the same namespaces as before.
 *
 * `npm run test:mistakes [-- <number of a mistake>…]`; the cluster is OBS_TEST_KUBECONFIG, otherwise an API server of
 * its own. Mistakes about existing volumes need these, and run only with an API server of its own.
 */
import { KubeConfig } from "@kubernetes/client-node";
import { table } from "../../cli/lib/text";
import { ApiServer } from "../support/api-server";
import { furnish } from "../support/furnish";
import { answer, configOf, isTold, mistakes, stack } from "../support/mistakes";
import { install, namespacesOf } from "../support/mistakes/cluster";
import { ProjectCopy } from "../support/project";
import { tool } from "../support/tools";

async function main(wanted: string[]): Promise<number> {
  const given = process.env["OBS_TEST_KUBECONFIG"];
  const [etcd, kubeApiserver] = [tool("etcd"), tool("kube-apiserver")];
  if (!given && !(etcd && kubeApiserver)) {
    console.error("mistakes: needs OBS_TEST_KUBECONFIG, or etcd and kube-apiserver on PATH");
    return 2;
  }
  const server = given ? undefined : await ApiServer.start(etcd ?? "", kubeApiserver ?? "");
  if (server) await furnish(server);
  const copy = new ProjectCopy(given ?? server?.kubeconfig() ?? "");
  const config = new KubeConfig();
  config.loadFromFile(copy.kubeconfig);
  const rows: string[][] = [];
  let failed = 0;
  try {
    for (const [index, mistake] of mistakes.entries()) {
      if (wanted.length && !wanted.includes(`${index + 1}`)) continue;
      if (given && mistake.installed) {
        rows.push([`${index + 1}`, "skipped", mistake.about, "-", "needs its own volumes in the cluster"]);
        continue;
      }
      // Throws if the settings are accepted: the drill must not install anything on a user's cluster.
      answer(mistake);
      const takeAway = await install(config, mistake);
      const before = await namespacesOf(config);
      copy.configure(stack, configOf(mistake));
      const { code, output, seconds } = await copy.run(["up", stack, "--yes"]);
      const told = isTold(output, mistake);
      const untouched = copy.resources(stack).length === 0 && (await namespacesOf(config)) === before;
      await takeAway();
      const ok = code !== 0 && told && untouched;
      if (!ok) failed++;
      const verdict = ok ? "ok" : !untouched ? "TOUCHED" : !told ? "NOT TOLD" : "PASSED";
      rows.push([`${index + 1}`, verdict, mistake.about, seconds.toFixed(1), mistake.says]);
      console.error(`${index + 1} ${verdict} ${mistake.about}${ok ? "" : `\n${output}`}`);
      // A mistake that was accepted has changed something.
      if (!untouched) break;
    }
  } finally {
    copy.remove();
    await server?.stop();
  }
  console.log(table([["", "", "mistake", "s", "what is said"], ...rows]));
  return failed ? 1 : 0;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(`mistakes: ${error.message}`);
    process.exit(1);
  },
);
