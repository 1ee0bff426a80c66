/** `obs get`: the response of a Service or pod of the stack, which NetworkPolicies hide from `kubectl get --raw`. */
import { CoreV1Api } from "@kubernetes/client-node";
import { reasonOf } from "../../../components/preflight/facts";
import { certificates, namespaceKey, namespaces, type Served } from "../../../names";
import { invalid, type Settings, UserError } from "../../../settings";
import { connect } from "../../lib/cluster";
import { ifExists } from "../../lib/objects";
import { bodyOf } from "../../lib/service";

const form = /^(?:https?:\/\/)?([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc[a-z0-9.-]*)?:(\d+)(\/.*)?$/;

/** The parts of a URL in the cluster. @throws UserError if it has another form, or is of no namespace of the stack */
export function partsOf(settings: Settings, url: string) {
  const [, name, namespace, port, path = "/"] = form.exec(url) ?? [];
  if (!name || !namespace)
    throw new UserError(
      invalid(
        "url",
        url,
        "<Service or pod>.<namespace>:<port>/<path>, such as loki-ingester-0.loki:3100/ready",
      ),
    );
  const key = namespaceKey(settings, namespace);
  if (!key) {
    const valid = Object.values(namespaces(settings)).join(", ");
    throw new UserError(invalid("namespace in the url", namespace, `a namespace of this stack: ${valid}`));
  }
  const served = key in certificates ? (key as Served) : undefined;
  return { name, namespace, port: Number(port), path, ...(served && { served }) };
}

/** Prints the body of a response. @throws UserError if there is none, or its status is not 2xx */
export async function get(stack: string, url: string): Promise<number> {
  const { settings, config } = await connect(stack);
  const { path, ...server } = partsOf(settings, url);
  const headers = { accept: "application/json, text/plain, */*" };
  try {
    const service = await ifExists(config.makeApiClient(CoreV1Api).readNamespacedService(server));
    console.log(await bodyOf(config, server, { path, headers, ...(!service && { pod: server.name }) }));
    return 0;
  } catch (error) {
    throw new UserError(`${url}: ${reasonOf(error)}`);
  }
}
