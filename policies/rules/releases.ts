/** Installation of charts. */
import { always, inProd, type SubjectRule } from "../rule";

/** Exactly one version: no range, no `v1`, no `*`. */
const exact = /^v?\d+\.\d+\.\d+([-+][\w.+-]+)?$/;

export const chartsPinned: SubjectRule = {
  id: "charts-pinned",
  requires: "Every release names one version of its chart, or a packaged chart.",
  why: "without it, an unrelated update installs the newest version",
  level: always,
  check: ({ kind, object }) => {
    if (kind !== "Release") return [];
    const { chart, version } = object;
    if (typeof version === "string" && exact.test(version)) return [];
    // A folder or package contains exactly one version.
    const local = /^(\.{0,2}\/|[A-Za-z]:[\\/])/.test(String(chart)) || String(chart).endsWith(".tgz");
    if (local && (version === undefined || version === "")) return [];
    return [
      {
        what: `chart ${chart} is ${version ? `installed as "${version}", which is not a single version` : "installed without a version"}`,
        fix: "Use the version in charts.json (chartSources in charts.ts).",
      },
    ];
  },
};

export const releasesRecoverable: SubjectRule = {
  id: "releases-recoverable",
  requires: "Helm keeps failed releases (no atomic), and at least two revisions of each release.",
  why: "the pods and events of a failed installation show its cause, and helm rollback needs an earlier revision",
  level: inProd,
  check: ({ kind, object }) => {
    if (kind !== "Release") return [];
    return [
      ...(object["atomic"] === true
        ? [{ what: "Helm uninstalls it if its installation fails (atomic)", fix: "Remove atomic." }]
        : []),
      // In Helm, 0 means no limit.
      ...(Number(object["maxHistory"] ?? 0) === 1
        ? [
            {
              what: "Helm keeps one revision, so there is none to roll back to",
              fix: "Set charts.history to 2 or more.",
            },
          ]
        : []),
    ];
  },
};
