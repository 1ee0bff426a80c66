import { pins } from "../../../charts";
import type { Settings } from "../../../settings";
import { addOns } from "../add-ons";
import { type Check, error, warning } from "../check";

/** Kinds that the stack creates, or that its operator and Alloy read. */
const kinds = [
  "alertmanagerconfigs",
  "alertmanagers",
  "podmonitors",
  "probes",
  "prometheuses",
  "prometheusrules",
  "scrapeconfigs",
  "servicemonitors",
].map((kind) => `${kind}.monitoring.coreos.com`);

/** The first version with every field of this stack's Prometheus (`scrapeNativeHistograms`): 0.88. */
const least = 88;

const path = "kubePrometheusStack.crds";
const version = pins["prometheus-operator-crds"].appVersion;
const repository = "prometheus-operator/prometheus-operator";

/** The command that creates CRDs. It does not change others, because their owner may revert that. */
const creation = (names: string[]): string => {
  const folder = `https://raw.githubusercontent.com/${repository}/${version}/example/prometheus-operator-crd`;
  const files = names.map((name) => ` -f ${folder}/${name.replace(/^(\w+)\.(.+)$/, "$2_$1")}.yaml`);
  return `Create them: kubectl create${files.join("")}`;
};

/** https://github.com/openshift/cluster-monitoring-operator/tree/main/manifests */
const update = ({ cluster }: Settings): string =>
  cluster.platform === "openshift"
    ? "Upgrade OpenShift: its cluster-version operator reverts any other change to these CRDs"
    : `Update them: kubectl apply --server-side --force-conflicts -f https://github.com/${repository}/releases/download/${version}/stripped-down-crds.yaml`;

/** CRDs of another installation have every kind and field that the stack uses. */
export const check: Check<"definitions" | "apiServices" | "releases"> = {
  name: "CRDs of Prometheus Operator",
  needs: ["definitions", "apiServices", "releases"],
  applies: ({ kubePrometheusStack }) => kubePrometheusStack.crds === "existing",
  find({ settings, facts }) {
    const names = facts.definitions.map(({ name }) => name);
    // Without any of them, the check of add-ons reports it.
    if (addOns.prometheusCrds.objects(facts).length === 0) return [];
    const missing = kinds.filter((kind) => !names.includes(kind));
    const found = facts.definitions.find(({ name }) => name === "prometheuses.monitoring.coreos.com");
    const installed = found?.annotations?.["operator.prometheus.io/version"];
    const minor = Number(/^0\.(\d+)\./.exec(installed ?? "")?.[1] ?? least);
    return [
      ...(missing.length
        ? [
            error({
              path,
              was: "existing",
              allowed: `a cluster that also has ${missing.join(", ")}`,
              change: creation(missing),
            }),
          ]
        : []),
      ...(minor < least
        ? [
            warning({
              path,
              was: `existing, version ${installed}`,
              allowed: `version 0.${least} or later: the API server drops newer fields of this stack's Prometheus without an error`,
              change: update(settings),
            }),
          ]
        : []),
    ];
  },
};
