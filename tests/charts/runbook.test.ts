/** The objects that commands in the documentation name exist in the rendered stacks: dev, prod, and one with a prefix. */
import { expect } from "chai";
import { defaultNamespaces } from "../../names";
import { pages } from "../support/docs";
import { type RenderedStack, renderStack } from "../support/rendered";
import { filled } from "../support/runbook";
import { needsCharts } from "../support/tools";

/** Objects that operators create, as `namespace kind/name`. */
const operated = (prefix: string): string[] => [
  `${prefix}monitoring pod/prometheus-${prefix}kps-prometheus-0`,
  `${prefix}monitoring pod/alertmanager-${prefix}kps-alertmanager-0`,
  `${prefix}opentelemetry deployment/gateway-collector`,
];

/** Short names of kinds in commands. */
const kinds: Record<string, string> = {
  ds: "daemonset",
  deploy: "deployment",
  sts: "statefulset",
  svc: "service",
  pods: "pod",
  pvc: "persistentvolumeclaim",
};

/** Every object as `namespace kind/name`, including the pods and PVCs of StatefulSets. */
function objectsOf({ objects }: RenderedStack, prefix: string): Set<string> {
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
  return new Set([...found, ...operated(prefix)]);
}

/** The stack's objects that a line of commands names, as `namespace kind/name`. */
function named(line: string, prefix: string): string[] {
  const own = new Set<string>(Object.values(defaultNamespaces).map((name) => prefix + name));
  const asked = [...line.matchAll(/\.\/obs get \S+ "?([\w-]+)\.([\w-]+):/g)].map(
    ([, name = "", namespace = ""]) => ({ namespace, kind: /-\d+$/.test(name) ? "pod" : "service", name }),
  );
  const others = line.split(/\b(?=kubectl )/).flatMap((command) => {
    const [, namespace = ""] = /^kubectl -n (\S+) /.exec(command) ?? [];
    const kindAndName = [
      / (ds|deploy|sts|svc|statefulset|deployment)\/([\w-]+)/g,
      / (?:logs|exec|port-forward) (?=[\w-]+-\d+(?: |$))()([\w-]+)/g,
      / (?:get|describe|delete|scale) (pods?|pvc|ds|deploy|svc|secret|statefulset) ([a-z][\w-]*)/g,
    ].flatMap((pattern) => [...command.matchAll(pattern)]);
    return kindAndName.map(([, kind, name]) => ({ namespace, kind: kind || "pod", name }));
  });
  return [...asked, ...others]
    .filter(({ namespace }) => own.has(namespace))
    .map(({ namespace, kind, name }) => `${namespace} ${kinds[kind] ?? kind}/${name}`);
}

const lines = pages().flatMap(({ path, fenced, inline }) =>
  [...fenced, ...inline].filter((text) => /kubectl |\.\/obs get /.test(text)).map((text) => ({ path, text })),
);

describe("charts: objects that commands in the documentation name", function () {
  this.timeout(300_000);
  before(async function () {
    await needsCharts(this);
  });

  const stacks = [
    { environment: "dev", namespaces: { prefix: "" } },
    { environment: "prod", namespaces: { prefix: "" } },
    { environment: "prod", namespaces: { prefix: "b-" } },
  ] as const;
  for (const config of stacks) {
    const { prefix } = config.namespaces;
    it(`exist in ${config.environment}${prefix && ` with the prefix ${prefix}`}`, async () => {
      const there = objectsOf(await renderStack(config), prefix);
      const wanted = lines.flatMap(({ path, text }) =>
        filled(text, prefix)
          .flatMap((command) => named(command, prefix))
          .map((name) => ({ path, name })),
      );
      expect(wanted.length).to.be.greaterThan(130);
      expect(wanted.filter(({ name }) => !there.has(name))).to.deep.equal([]);
    });
  }

  it("are recognized", () => {
    expect(named("kubectl -n b-loki logs deploy/loki-reader --since=15m", "b-")).to.deep.equal([
      "b-loki deployment/loki-reader",
    ]);
    expect(named("x=$(kubectl -n loki get secret s)", "")).to.deep.equal(["loki secret/s"]);
    expect(named("./obs get prod a-0.loki:80/ready", "")).to.deep.equal(["loki pod/a-0"]);
    expect(named('./obs get prod "b-a.b-loki:80/?x=y"', "b-")).to.deep.equal(["b-loki service/b-a"]);
    expect(named("kubectl -n loki logs a-0 --tail=1", "")).to.deep.equal(["loki pod/a-0"]);
  });
});
