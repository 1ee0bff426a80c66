/** Commands in a container. */
import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { Exec, type KubeConfig, type V1Status } from "@kubernetes/client-node";

/** Runs a shell script in a container. @returns its stdout @throws with its stderr if it fails */
export async function inContainer(
  config: KubeConfig,
  { namespace, pod, container }: { namespace: string; pod: string; container: string },
  script: string,
): Promise<string> {
  const texts = { out: "", err: "" };
  const collect = (into: "out" | "err") =>
    new Writable({
      write(part: Buffer, _, done) {
        texts[into] += part.toString();
        done();
      },
    });
  const output = collect("out");
  const status = await new Promise<V1Status>((done, fail) => {
    output.once("error", fail);
    new Exec(config)
      .exec(namespace, pod, container, ["sh", "-c", script], output, collect("err"), null, false, done)
      .then((socket) => {
        socket.addEventListener("close", () => fail(new Error(`the connection to ${pod} was closed`)));
      })
      // A refused connection rejects with an event, not an error.
      .catch((error: { message?: string }) => fail(new Error(`${pod}: ${error.message ?? "no connection"}`)));
  });
  output.end();
  await finished(output);
  if (status.status !== "Success")
    throw new Error(`${pod}: ${texts.err.trim() || status.message || "the command failed"}`);
  return texts.out;
}
