import type { Check, Finding } from "../check";
import { age, askPod, settling, type Talker, talkers } from "../readings";

/** A pod, and what it said when it was asked whether it is ready. */
export interface Said {
  talker: Talker;
  /** Absent where no answer came. */
  status?: number;
  text: string;
}

const page = ({ key }: Talker) =>
  key === "minio" ? "docs/operations/runbook.md#storage" : "docs/operations/runbook.md#components";

/** What is wrong with who does not say that it is ready. One that started a moment ago is only noted. */
export function judgeReady(all: Said[], now: number): Finding[] {
  const well = new Set(all.filter(({ status }) => status === 200).map(({ talker }) => talker.component));
  return all
    .filter(({ status }) => status !== 200)
    .map(({ talker, status, text }): Finding => {
      const { namespace, pod, component, port, paths } = talker;
      const starting = age(talker, now) < settling;
      return {
        severity: starting ? "note" : well.has(component) ? "warning" : "critical",
        layer: "components",
        what: starting
          ? `${namespace}/${pod} started ${Math.round(age(talker, now))} s ago and is not ready yet`
          : `${namespace}/${pod} runs and is not ready${well.has(component) ? "" : `, and no other ${component} is`}`,
        evidence: status
          ? `GET :${port}${paths.ready} answers ${status}: ${text.trim().slice(0, 300)}`
          : `GET :${port}${paths.ready}: ${text}`,
        fix: starting
          ? "wait a minute, then run the doctor again"
          : `read what it says: kubectl -n ${namespace} logs ${pod} --tail=50`,
        page: page(talker),
      };
    });
}

/** What every component says of itself at its own address for readiness. */
export const check: Check = {
  name: "readiness",
  async look(context) {
    const said = await Promise.all(
      (await talkers(context)).map((talker) =>
        askPod(context, talker, talker.paths.ready).then(
          ({ status, body }): Said => ({ talker, status, text: body }),
          (error: Error): Said => ({ talker, text: error.message }),
        ),
      ),
    );
    return judgeReady(said, Date.now());
  },
};
