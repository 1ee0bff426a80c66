/** What the runbook's commands name, looked for among the objects that the dev stack's charts really make. */
import { expect } from "chai";
import { type RenderedStack, renderStack } from "../support/rendered";
import { filled, runbook } from "../support/runbook";
import { needsCharts } from "../support/tools";

/** Objects that operators make of others, by namespace; `kind/name`. */
const operated: Record<string, string[]> = {
  monitoring: [
    "pod/prometheus-kps-prometheus-0",
    "pod/alertmanager-kps-alertmanager-0",
    "service/prometheus-operated",
  ],
};

/** Short names of kinds, as commands have them. */
const kinds: Record<string, string> = {
  ds: "daemonset",
  deploy: "deployment",
  sts: "statefulset",
  svc: "service",
  pods: "pod",
  pvc: "persistentvolumeclaim",
};

/** Every object as `namespace kind/name`, the pods and claims of StatefulSets included. */
function objectsOf({ objects }: RenderedStack): Set<string> {
  const found = objects.flatMap(({ namespace, object }) => {
    const { kind, metadata } = object;
    const at = (metadata.namespace as string | undefined) ?? namespace;
    const own = `${at} ${kind.toLowerCase()}/${metadata.name}`;
    if (kind !== "StatefulSet") return [own];
    const templates: { metadata: { name: string } }[] = object["spec"].volumeClaimTemplates ?? [];
    return [
      own,
      `${at} pod/${metadata.name}-0`,
      ...templates.map((each) => `${at} persistentvolumeclaim/${each.metadata.name}-${metadata.name}-0`),
    ];
  });
  const made = Object.entries(operated).flatMap(([at, names]) => names.map((name) => `${at} ${name}`));
  return new Set([...found, ...made]);
}

/** What a command names, as `namespace kind/name`. */
function named(text: string): string[] {
  const proxied = [...text.matchAll(/namespaces\/([\w-]+)\/(service|pod)s\/(?:https:)?([\w-]+):/g)];
  const at = /^kubectl -n (\S+) /.exec(text)?.[1];
  const own: [string, string][] = [];
  if (at && at !== "kube-system") {
    for (const [, kind = "", name = ""] of text.matchAll(
      / (ds|deploy|sts|svc|statefulset|deployment)\/([\w-]+)/g,
    ))
      own.push([kind, name]);
    const [, plain] = / (?:logs|exec|port-forward) ([\w-]+-\d+)(?= |$)/.exec(text) ?? [];
    if (plain) own.push(["pod", plain]);
    const [, kind, name] =
      / (?:get|describe|delete) (pods?|pvc|ds|deploy|svc|secret|statefulset) ([a-z][\w-]*)/.exec(text) ?? [];
    if (kind && name) own.push([kind, name]);
  }
  return [
    ...proxied.map(([, namespace, kind, name]) => `${namespace} ${kind}/${name}`),
    ...own.map(([kind, name]) => `${at} ${kinds[kind] ?? kind}/${name}`),
  ];
}

describe("charts: objects that the runbook names", function () {
  this.timeout(120_000);
  const wanted = runbook().commands.flatMap(({ where, text }) =>
    filled(text)
      .flatMap(named)
      .map((name) => ({ where, name })),
  );
  let there: Set<string>;
  before(async function () {
    await needsCharts(this);
    there = objectsOf(await renderStack({ environment: "dev" }));
  });

  it("are made", () => {
    expect(wanted.length).to.be.greaterThan(100);
    expect(wanted.filter(({ name }) => !there.has(name))).to.deep.equal([]);
  });

  it("are noticed when they are not", () => {
    expect(named("kubectl -n loki logs deploy/loki-reader --since=15m")).to.deep.equal([
      "loki deployment/loki-reader",
    ]);
    expect(there.has("loki deployment/loki-reader")).to.equal(false);
  });
});
