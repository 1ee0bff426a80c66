/** A loopback port that forwards to pods: it leaves no connection open. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { throughTunnel } from "../../cli/lib/tunnel";

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
});
