/** Each cache address in Mimir's configuration belongs to a pod of that cache, whether or not the pod exists. */
import { expect } from "chai";
import { containersOf, find, renderStack, targetsOf, workloads } from "../support/rendered";
import { needsCharts } from "../support/tools";

const replicas = { replicas: 2 };
const config = {
  environment: "prod",
  mimir: { resultsCache: replicas, chunksCache: replicas, indexCache: replicas, metadataCache: replicas },
};

describe("charts: Mimir's caches", function () {
  this.timeout(120_000);
  before(async function () {
    await needsCharts(this);
  });

  it("are reached through a Service of each replica, which needs no ready pod to have an address", async () => {
    const stack = await renderStack(config);
    const components = targetsOf(stack, "mimir");
    const addressesOf = (target: string, client: string) => {
      const flag = `-${client}.memcached.addresses=`;
      const [args = []] = components.filter((each) => each.includes(`-target=${target}`));
      return args.find((arg) => arg.startsWith(flag))?.slice(flag.length) ?? `${target} has no ${flag}`;
    };
    const inBucketStore = (cache: string) =>
      ["querier", "ruler", "store-gateway"].map((target) =>
        addressesOf(target, `blocks-storage.bucket-store.${cache}`),
      );
    const caches = {
      "mimir-results-cache": [addressesOf("query-frontend", "query-frontend.results-cache")],
      "mimir-chunks-cache": inBucketStore("chunks-cache"),
      "mimir-index-cache": inBucketStore("index-cache"),
      "mimir-metadata-cache": [
        ...inBucketStore("metadata-cache"),
        addressesOf("ruler", "ruler-storage.cache"),
      ],
    };
    for (const [name, clients] of Object.entries(caches)) {
      const cache = workloads(stack).find(({ object }) => object.metadata.name === name);
      if (!cache) throw new Error(`there is no ${name}`);
      const { spec } = cache.object as unknown as { spec: { replicas: number } };
      const pods = Array.from({ length: spec.replicas }, (_, replica) => `${name}-${replica}`);
      const ports = containersOf(cache).flatMap(({ ports = [] }) => ports);
      for (const client of clients) {
        const addresses = client.split(",");
        expect(addresses.map((address) => address.split(".")[0])).to.deep.equal(pods);
        for (const [replica, address] of addresses.entries()) {
          const [host = "", port] = address.split(":");
          const [service = "", namespace] = host.split(".");
          const found = find(stack, "Service", service);
          expect(namespace).to.equal("mimir");
          expect(found["spec"].clusterIP, service).to.equal(undefined);
          expect(found["spec"].selector).to.deep.equal({
            "statefulset.kubernetes.io/pod-name": pods[replica],
          });
          const [{ port: from, targetPort }] = found["spec"].ports;
          expect(String(from)).to.equal(port);
          expect(ports.map((each) => each.name)).to.include(targetPort);
        }
      }
    }
  });
});
