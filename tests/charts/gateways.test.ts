/** The gateways' objects in the cluster: the program's own nginx configuration, and the Services that it forwards to. */
import { expect } from "chai";
import { stores } from "../../names";
import { parseSettings } from "../../settings";
import { gatewayConfiguration } from "../../values/gateway-nginx";
import { container, ofKind, only, replicasOf, workload } from "../support/objects";
import { find, type KubernetesObject, type RenderedStack, renderStack } from "../support/rendered";
import { shipped } from "../support/stacks";
import { needsCharts } from "../support/tools";

interface Volume {
  name: string;
  configMap?: { name: string };
  secret?: { secretName: string };
}

const volumesOf = (object: KubernetesObject): Volume[] => object["spec"].template.spec.volumes ?? [];

/** The text of a file in the only container of a workload, from its mounts of ConfigMaps. */
function fileAt(stack: RenderedStack, object: KubernetesObject, path: string): string {
  const { volumeMounts = [] } = container(object, only<{ name: string }>(containers(object)).name);
  const texts = volumeMounts.flatMap(({ name, mountPath, ...mount }) => {
    const map = volumesOf(object).find((volume) => volume.name === name)?.configMap?.name;
    if (!map) return [];
    const { subPath } = mount as { subPath?: string };
    const entries = Object.entries(find(stack, "ConfigMap", map)["data"] as Record<string, string>);
    return entries
      .filter(([key]) => (subPath ? key === subPath && mountPath === path : `${mountPath}/${key}` === path))
      .map(([, text]) => text);
  });
  return only(texts);
}
const containers = (object: KubernetesObject) => object["spec"].template.spec.containers;

describe("charts: the gateways of Loki, Mimir and Tempo", () => {
  let both: (readonly [environment: "dev" | "prod", RenderedStack])[];

  before(async function () {
    await needsCharts(this);
    this.timeout(600_000);
    both = await Promise.all(
      (["dev", "prod"] as const).map(
        async (environment) => [environment, await renderStack({ environment })] as const,
      ),
    );
  });

  for (const store of stores) {
    it(`${store}: nginx reads the program's configuration, and users from a Secret`, () => {
      for (const [environment, stack] of both) {
        const { object } = workload(stack, `${store}-gateway`);
        const text = fileAt(stack, object, "/etc/nginx/nginx.conf");
        const settings = parseSettings(environment, { environment, ...shipped(environment) });
        expect(text.trim()).to.equal(gatewayConfiguration(store, settings).trim());
        expect(text).to.include("include /etc/gateway-users/users.conf;");

        const secret = only(volumesOf(object).filter((volume) => volume.secret));
        expect(secret.secret?.secretName).to.equal("gateway-users");
        const { volumeMounts = [] } = only<{ volumeMounts?: { name: string; mountPath: string }[] }>(
          containers(object),
        );
        const { mountPath } = only(volumeMounts.filter(({ name }) => name === secret.name));
        expect(mountPath).to.equal("/etc/gateway-users");
        expect(object["spec"].template.metadata.annotations).to.include({
          "observability/password-generations": "1",
        });
        const inNamespace = ofKind(stack, "Secret").filter(({ metadata }) => metadata.namespace === store);
        const users = only(inNamespace.filter(({ metadata }) => metadata.name === "gateway-users"));
        expect(users["stringData"]).to.have.all.keys("users.conf");
      }
    });

    it(`${store}: every route has an existing Service, whose address stays when its pods are deleted`, () => {
      for (const [, stack] of both) {
        const { object } = workload(stack, `${store}-gateway`);
        const text = fileAt(stack, object, "/etc/nginx/nginx.conf");
        const targets = new Set(
          [...text.matchAll(/server ([\w.-]+:\d+) max_fails=0;/g)].map(([, to]) => to ?? ""),
        );
        expect(targets.size).to.be.greaterThan(1);
        for (const target of targets) {
          const [, name = "", namespace, port] = /^([\w-]+)\.([\w-]+)\.svc:(\d+)$/.exec(target) ?? [];
          const { metadata, spec } = find(stack, "Service", name);
          expect(metadata.namespace ?? store, target).to.equal(namespace);
          expect(
            spec.ports.map(({ port }: { port: number }) => port),
            target,
          ).to.include(Number(port));
          // nginx resolves addresses once, when it starts: those of pods would change.
          expect(spec.clusterIP, target).not.to.equal("None");
          expect(spec.type ?? "ClusterIP", target).to.equal("ClusterIP");
        }
      }
    });

    it(`${store}: the gateway listens on the port of its Service, and its readiness needs no password`, () => {
      for (const [, stack] of both) {
        const { object } = workload(stack, `${store}-gateway`);
        const { ports, readinessProbe } = only<{
          ports: { name: string; containerPort: number }[];
          readinessProbe: { httpGet: { path: string; port: number | string } };
        }>(containers(object));
        const { spec } = find(stack, "Service", `${store}-gateway`);
        // The charts add other ports, on which nothing listens.
        const { targetPort } = only<{ port: number; targetPort: number | string }>(
          spec.ports.filter(({ port }: { port: number }) => port === 80),
        );
        const led = ports.filter(({ name, containerPort }) => [name, containerPort].includes(targetPort));
        expect(led.map(({ containerPort }) => containerPort)).to.deep.equal([8080]);
        expect(["/", "/ready"]).to.include(readinessProbe.httpGet.path);
        const { labels } = object["spec"].template.metadata;
        expect(labels).to.include(spec.selector);
        // The command line selects the gateway's pods with it.
        expect(labels["app.kubernetes.io/component"]).to.equal("gateway");
      }
    });
  }

  it("run twice in prod, and once in dev", () => {
    for (const [environment, stack] of both)
      expect(stores.map((store) => replicasOf(workload(stack, `${store}-gateway`)))).to.deep.equal(
        Array(3).fill(environment === "prod" ? 2 : 1),
      );
  });
});
