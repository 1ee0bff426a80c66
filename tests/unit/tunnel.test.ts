/** A loopback port that forwards to pods: it leaves no connection open. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { requestPod, throughTunnel } from "../../cli/lib/tunnel";
import { reachable } from "../../components/port-forward";

describe("throughTunnel", () => {
  it("closes the connections that a client would keep open, so that the program ends", async () => {
    // An API server that never responds: the connection stays open.
    const taken = new Set<Socket>();
    const silent = createServer((socket) => void taken.add(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const config = new KubeConfig();
    const { port } = silent.address() as AddressInfo;
    config.loadFromClusterAndUser(
      { name: "silent", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: "nobody" },
    );
    const target = { namespace: "loki", selector: "app=loki", port: 80 };
    const kept = await throughTunnel(config, target, async (local) => {
      const client = connect(local, "127.0.0.1").on("error", () => undefined);
      await once(silent, "connection");
      return client;
    });
    if (!kept.closed) await once(kept, "close");
    expect(kept.destroyed).to.equal(true);
    silent.close();
    for (const socket of taken) socket.destroy();
  });

  it("reports why no pod can be reached, instead of a closed connection", async () => {
    const empty = createHttpServer((_, response) =>
      response.setHeader("content-type", "application/json").end(JSON.stringify({ items: [] })),
    );
    await once(empty.listen(0, "127.0.0.1"), "listening");
    const config = new KubeConfig();
    const { port } = empty.address() as AddressInfo;
    config.loadFromClusterAndUser(
      { name: "empty", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: "nobody" },
    );
    const asked = requestPod(config, { namespace: "loki", selector: "app=loki", port: 80 }, "/ready");
    const error = await asked.then(
      () => undefined,
      (reason: Error) => reason,
    );
    empty.close();
    expect(error?.message).to.equal("no pod with app=loki runs in namespace loki");
  });
});

describe("reachable", () => {
  const pod = (name: string, ready: string, more: object = {}) => ({
    metadata: { name, ...more },
    status: { phase: "Running", conditions: [{ type: "Ready", status: ready }] },
  });
  const name = (...pods: ReturnType<typeof pod>[]) => reachable(pods)?.metadata?.name;

  it("prefers a ready pod to one of a lost node, and takes an unready one if there is no other", () => {
    expect(name(pod("lost", "False"), pod("ready", "True"))).to.equal("ready");
    expect(name(pod("starting", "False"))).to.equal("starting");
    expect(name(pod("ending", "True", { deletionTimestamp: new Date() }))).to.equal(undefined);
  });
});
