import type { V1Pod } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import { type Check, error, type Finding } from "../check";

/** Whether a pod listens on a port of its node. */
const listensOn = ({ spec }: V1Pod, port: number): boolean =>
  (spec?.containers ?? []).some(({ ports = [] }) =>
    ports.some(({ hostPort, containerPort }) => (spec?.hostNetwork ? containerPort : hostPort) === port),
  );

const ownerOf = ({ metadata }: V1Pod): string =>
  `${metadata?.namespace}/${metadata?.ownerReferences?.[0]?.name ?? metadata?.name}`;

function nodeExporter(own: string, port: number, pods: V1Pod[]): Finding[] {
  // A pod without a node listens nowhere: this stack may have the port that it waits for.
  const others = pods.filter(
    (pod) => pod.metadata?.namespace !== own && pod.spec?.nodeName && listensOn(pod, port),
  );
  if (others.length === 0) return [];
  return [
    error({
      path: "kubePrometheusStack.nodeExporter.port",
      was: port,
      allowed: `a free port on every node; ${[...new Set(others.map(ownerOf))].join(", ")} uses this one, so pods of node-exporter would stay pending`,
    }),
  ];
}

/** Node ports and host ports of the stack are free. */
export const check: Check<"services" | "pods"> = {
  name: "ports of nodes",
  needs: ["services", "pods"],
  find({ settings, facts: { services, pods } }) {
    const { cadvisor, kubePrometheusStack } = settings;
    const own = namespaces(settings).monitoring;
    const exposed = cadvisor.enabled && cadvisor.expose.includes("nodePort");
    const taken = services.find(
      ({ metadata, spec }) =>
        metadata?.namespace !== own && spec?.ports?.some(({ nodePort }) => nodePort === cadvisor.nodePort),
    )?.metadata;
    const nodePort: Finding[] =
      taken && exposed
        ? [
            error({
              path: "cadvisor.nodePort",
              was: cadvisor.nodePort,
              allowed: `a free node port; Service ${taken.namespace}/${taken.name} uses this one`,
            }),
          ]
        : [];
    return [...nodePort, ...nodeExporter(own, kubePrometheusStack.nodeExporter.port, pods)];
  },
};
