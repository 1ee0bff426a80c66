/** `namespaces.prefix`: two stacks in a cluster share only cluster-wide add-ons. */
import { expect } from "chai";
import { defaultNamespaces } from "../../names";
import { type Placed, type RenderedStack, renderStack } from "../support/rendered";
import { backedUp } from "../support/stacks";
import { needsCharts } from "../support/tools";

/** A second stack on a cluster that has the add-ons. */
const second = (prefix: string) => ({
  ...backedUp,
  environment: "prod",
  namespaces: { prefix },
  kubePrometheusStack: { crds: "existing" },
  openTelemetryOperator: { install: "existing" },
  scaling: { metricsServer: "existing", keda: "existing", verticalPodAutoscaler: "existing" },
});

const names = Object.values(defaultNamespaces).join("|");
const ours = new RegExp(`^(${names})$`);
/** Texts that name a namespace of the stack without the prefix. */
const bare = [
  `[\\w-]\\.(?:${names})(?:\\.svc|:\\d)`,
  `namespace\\s*(?:=|!=)\\s*\\\\*"(?:${names})\\\\*"`,
  `namespace\\s*(?:=~|!~)\\s*\\\\*"(?:[^"]*[|(])?(?:${names})(?:[|)][^"]*)?\\\\*"`,
  `\\bjob\\s*=~?\\s*\\\\*"(?:${names})/`,
  `(?:-n |--namespace[= ])(?:${names})(?![\\w-])`,
].map((text) => new RegExp(text));

/** Paths of texts below a value that name a namespace without the prefix. */
function unprefixed(value: unknown, path: string): string[] {
  if (typeof value === "string") {
    const named =
      /(namespace|namespaces|metadata\.name)(\[\d+\])?$/i.test(path) &&
      /namespace/i.test(path) &&
      ours.test(value);
    const text = bare.map((one) => one.exec(value)?.[0]).find((found) => found !== undefined);
    return named || text !== undefined ? [`${path}: ${text ?? value}`] : [];
  }
  if (Array.isArray(value)) return value.flatMap((one, index) => unprefixed(one, `${path}[${index}]`));
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, one]) => unprefixed(one, `${path}.${key}`));
}

const namespaced = ({ object }: Placed): boolean => object.metadata.namespace !== undefined;
const kindsIn = ({ objects }: RenderedStack) =>
  new Set(objects.filter(namespaced).map(({ object }) => object.kind));

/** Objects without a namespace, and those in namespaces that belong to no stack. */
function shared(stack: RenderedStack, prefix: string): string[] {
  const inNamespaces = kindsIn(stack);
  return stack.objects
    .filter(({ object: { kind, metadata } }) =>
      metadata.namespace ? !metadata.namespace.startsWith(prefix) : !inNamespaces.has(kind),
    )
    .map(({ object: { kind, metadata } }) => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`);
}

describe("charts: prefix of the namespaces", function () {
  this.timeout(300_000);
  let a: RenderedStack;
  let b: RenderedStack;

  before(async function () {
    await needsCharts(this);
    a = await renderStack(second("a-"));
    b = await renderStack(second("b-"));
  });

  it("every object is in a namespace with the prefix, and names no other of the stack", () => {
    const found = a.objects.flatMap(({ release, object }) =>
      unprefixed(object, `${release ?? "own"} ${object.kind} ${object.metadata.name}`),
    );
    expect(found).to.deep.equal([]);
  });

  it("every input of a resource has it, too", () => {
    const found = a.recorded.flatMap(({ type, name, inputs }) => unprefixed(inputs, `${type} ${name}`));
    expect(found).to.deep.equal([]);
  });

  it("every label has a value that Kubernetes accepts", () => {
    const objects: { metadata?: { labels?: Record<string, string> } }[] = [
      ...a.objects.map(({ object }) => object),
      ...a.recorded.map(({ inputs }) => inputs),
    ];
    const labels = objects.flatMap(({ metadata }) => Object.entries(metadata?.labels ?? {}));
    expect(labels).to.deep.include(["observability/prefix", "a"]);
    expect(labels.filter(([, value]) => !/^([a-z0-9]([-\w.]{0,61}[a-z0-9])?)?$/i.test(value))).to.deep.equal(
      [],
    );
  });

  it("two stacks have no cluster-scoped object in common", () => {
    const mine = new Set(shared(a, "a-"));
    expect(mine.size).to.be.greaterThan(10);
    expect(shared(b, "b-").filter((name) => mine.has(name))).to.deep.equal([]);
  });

  it("two stacks share no folder of a node that they write to", () => {
    const folders = (stack: RenderedStack) =>
      [...JSON.stringify(stack.objects).matchAll(/"path":"(\/var\/lib\/[^"]*alloy[^"]*)"/g)].map(
        ([, path]) => path,
      );
    expect(folders(a)).to.have.length.greaterThan(0);
    expect(folders(b).filter((path) => folders(a).includes(path))).to.deep.equal([]);
  });
});
