/** Guarantees for tests with real servers: ports of their own, and the log of a server that does not start. */
import { expect } from "chai";
import { freePort, Server } from "../support/servers";

describe("Servers of tests", () => {
  it("get unique ports, even before the first server listens", async () => {
    const ports: number[] = [];
    for (let count = 0; count < 500; count++) ports.push(await freePort());
    expect(new Set(ports)).to.have.lengthOf(500);
  });

  it("report the end of their log if they exit while they start", async () => {
    const script =
      "head -c 50000 /dev/zero | tr '\\0' x; echo; echo listen tcp: address already in use; exit 1";
    const failure = await Server.start("/bin/sh", ["-c", script], { ready: async () => false }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(failure).to.match(/^\/bin\/sh: exit code 1\n/);
    expect(failure).to.match(/\nlisten tcp: address already in use\n$/);
  });
});
