import { minimumKubernetes } from "../../../charts";
import { type Check, error } from "../check";

const numbersOf = (version: string): [number, number] => {
  const [, major = "0", minor = "0"] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  return [Number(major), Number(minor)];
};

/** The charts support the cluster's version. */
export const check: Check<"version"> = {
  name: "Kubernetes version",
  needs: ["version"],
  find({ facts: { version } }) {
    const [major, minor] = numbersOf(version);
    const [leastMajor, leastMinor] = numbersOf(minimumKubernetes);
    if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return [];
    return [
      error({
        path: "cluster",
        was: `Kubernetes ${version}`,
        allowed: `Kubernetes ${minimumKubernetes} or later, which the charts require`,
        change: "Upgrade the cluster, or choose another one with cluster.context or cluster.kubeconfig",
      }),
    ];
  },
};
