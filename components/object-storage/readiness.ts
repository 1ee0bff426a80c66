/** Whether MinIO is ready, and why its pods are not. */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { type Settings, UserError } from "../../settings";
import { goDuration } from "../../settings/units";
import { diagnosis } from "../pod-observation";
import { minioApi } from "./pods";

/** Seconds that a preview waits for an installed MinIO. */
const previewTimeout = 30;
/** The server is up and writable: https://min.io/docs/minio/linux/operations/monitoring/healthcheck-probe.html */
const healthChecks = ["/minio/health/ready", "/minio/health/cluster"];

/** The readiness check; all callers share one wait. */
export function readiness(
  settings: Settings,
  config: KubeConfig,
  status: (path: string) => Promise<number | string>,
) {
  const check = () =>
    Promise.all(healthChecks.map((path) => status(path).catch((error: Error) => error.message)));
  const answers = async () => (await check()).every((answer) => answer === 200);
  const wait = async () => {
    const [limit, origin] = pulumi.runtime.isDryRun()
      ? [previewTimeout, "as long as a preview waits"]
      : [settings.objectStorage.minio.readyTimeout, "objectStorage.minio.readyTimeout"];
    const deadline = Date.now() + limit * 1000;
    while (!(await answers())) {
      if (Date.now() > deadline) {
        const { namespace, selector } = minioApi(settings);
        const why = await diagnosis(config, [namespace], selector);
        throw new UserError(
          `MinIO was not ready within ${goDuration(limit)} (${origin}): ` +
            `${healthChecks.join(" and ")} returned ${(await check()).join(" and ")}.\n  ${why.join("\n  ")}`,
        );
      }
      await new Promise((wake) => setTimeout(wake, 1000));
    }
  };
  let waiting: Promise<void> | undefined;
  const ready = () => {
    waiting ??= wait();
    return waiting;
  };
  return { answers, ready };
}

/** The status of a request, or the reason for a failure or timeout (5 s). */
export function statusOf(request: ClientRequest): Promise<number | string> {
  return new Promise((done) => {
    const timer = setTimeout(() => request.destroy(new Error("nothing within 5 s")), 5000);
    request.once("close", () => clearTimeout(timer));
    request.once("response", (response: IncomingMessage) => {
      response.resume();
      done(response.statusCode ?? 0);
    });
    request.once("error", (error) => done(error.message));
  });
}
