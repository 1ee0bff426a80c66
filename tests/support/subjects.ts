/** Subjects for the policies' own tests. */
import { contextOf } from "../../policies/config";
import { type Environment, isStackRule, message, type Subject, type Tree } from "../../policies/rule";
import { rules } from "../../policies/rules";

/** A container that complies with every policy. */
export const goodContainer: Tree = {
  name: "app",
  image: "docker.io/grafana/loki:3.7.6",
  resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "128Mi" } },
  readinessProbe: { httpGet: { path: "/ready", port: 80 } },
  livenessProbe: { httpGet: { path: "/ready", port: 80 } },
  securityContext: {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  },
};

/** A Deployment `app` in namespace `apps`, with changes to its container and its pod. */
export const deployment = (container: Tree = {}, pod: Tree = {}, replicas = 1): Subject => ({
  kind: "Deployment",
  name: "app",
  namespace: "apps",
  object: {
    apiVersion: "apps/v1",
    spec: {
      replicas,
      template: {
        metadata: { labels: { app: "app" } },
        spec: {
          automountServiceAccountToken: false,
          containers: [{ ...goodContainer, ...container }],
          ...pod,
        },
      },
    },
  },
});

/** A Deployment with another `securityContext` of its container. */
export const secured = (security: Tree): Subject =>
  deployment({ securityContext: { ...goodContainer["securityContext"], ...security } });

/** A release `name` in a namespace of that name. */
export const release = (name: string, values: Tree, inputs: Tree = {}): Subject => ({
  kind: "Release",
  name,
  namespace: name,
  object: { chart: name, version: "1.2.3", atomic: false, maxHistory: 10, ...inputs, values },
});

/** Anything else. */
export const thing = (
  kind: string,
  name: string,
  object: Tree = {},
  more: Partial<Subject> = {},
): Subject => ({
  kind,
  name,
  object,
  ...more,
});

/** A policy's violations, as `name: message`. */
export function said(id: string, subjects: Subject[], environment: Environment = "prod"): string[] {
  const rule = rules.find((one) => one.id === id);
  if (!rule) throw new Error(`there is no rule ${id}`);
  const context = contextOf(rule, environment);
  return isStackRule(rule)
    ? rule.checkStack(subjects, context).map((one) => `${one.subject.name}: ${message(rule, one)}`)
    : subjects.flatMap((subject) =>
        rule.check(subject, context).map((one) => `${subject.name}: ${message(rule, one)}`),
      );
}
