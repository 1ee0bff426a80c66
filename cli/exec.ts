/** Commands in a container of the cluster. */

import { PassThrough, type Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { Exec, type KubeConfig, type V1Status } from "@kubernetes/client-node";

export interface ContainerOf {
  namespace: string;
  pod: string;
  container: string;
}

/**
 * Runs a shell script in a container.
 *
 * @param streams where what it writes goes instead of into the answer, and what it reads. It sees no end of what it
 *   reads, so it has to know how much that is
 * @returns what it wrote, where that did not go elsewhere
 * @throws with what it wrote to stderr when it ends with another code than 0
 */
export async function inContainer(
  config: KubeConfig,
  { namespace, pod, container }: ContainerOf,
  script: string,
  streams: { output?: Writable; input?: Readable } = {},
): Promise<string> {
  const texts = { out: "", err: "" };
  const collect = (into: "out" | "err") =>
    new Writable({
      write(part: Buffer, _, done) {
        texts[into] += part.toString();
        done();
      },
    });
  const output = streams.output ?? collect("out");
  // Where the input ends the client may close the whole connection, before all of it has arrived; so it never ends.
  const input = streams.input && new PassThrough();
  if (input) streams.input?.pipe(input, { end: false });
  const status = await new Promise<V1Status>((done, fail) => {
    output.once("error", fail);
    streams.input?.once("error", fail);
    new Exec(config)
      .exec(
        namespace,
        pod,
        container,
        ["sh", "-c", script],
        output,
        collect("err"),
        input ?? null,
        false,
        done,
      )
      .then((socket) => {
        socket.addEventListener("close", () => fail(new Error(`the connection to ${pod} was closed`)));
      })
      // What a connection that is refused gives is an event, not an error.
      .catch((error: { message?: string }) => fail(new Error(`${pod}: ${error.message ?? "no connection"}`)));
  });
  output.end();
  await finished(output);
  if (status.status !== "Success")
    throw new Error(`${pod}: ${texts.err.trim() || status.message || "the command failed"}`);
  return texts.out;
}
