/** Commands in a container. */
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { Exec, type KubeConfig, type V1Status } from "@kubernetes/client-node";

/** Runs a shell script in a container. @returns its stdout @throws with its stderr if it fails */
export async function inContainer(
  config: KubeConfig,
  { namespace, pod, container }: { namespace: string; pod: string; container: string },
  script: string,
): Promise<string> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const [output, errors] = [text(out), text(err)];
  const status = await new Promise<V1Status>((done, fail) => {
    new Exec(config)
      .exec(namespace, pod, container, ["sh", "-c", script], out, err, null, false, done)
      .then((socket) => {
        socket.addEventListener("close", () => fail(new Error(`the connection to ${pod} was closed`)));
      })
      // A refused connection rejects with an event, not an error.
      .catch((error: { message?: string }) => fail(new Error(`${pod}: ${error.message ?? "no connection"}`)));
  });
  out.end();
  err.end();
  if (status.status !== "Success")
    throw new Error(`${pod}: ${(await errors).trim() || status.message || "the command failed"}`);
  return output;
}
