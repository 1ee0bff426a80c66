/** Log files in the kubelet's layout, and Alloy's log pipeline that reads them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../../settings";
import { alloyPipeline } from "../../values/alloy";
import { alloyLogsEnvironment } from "../../values/alloy-logs";
import { publicPreview } from "./alloy";
import { freePort, Server } from "./servers";

/** A line in the format of a container runtime. */
export const envelopes = {
  /** Lines longer than 16 KiB are written in parts: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md */
  containerd: (line: string, stream: string, time: string) => {
    const parts = line.match(/.{1,16384}/gs) ?? [""];
    return parts
      .map((part, index) => `${time} ${stream} ${index < parts.length - 1 ? "P" : "F"} ${part}\n`)
      .join("");
  },
  /** The last part ends with a newline. */
  docker: (line: string, stream: string, time: string) =>
    (`${line}\n`.match(/.{1,16384}/gs) ?? [])
      .map((log) => `${JSON.stringify({ log, stream, time })}\n`)
      .join(""),
};
export type Runtime = keyof typeof envelopes;
export const runtimes = Object.keys(envelopes) as Runtime[];

/** Folder of a container's log files. */
export function containerFolder(root: string, namespace: string, pod: string, container: string): string {
  const folder = join(root, `${namespace}_${pod}_11111111-2222-3333-4444-555555555555`, container);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Alloy with the log pipeline; its positions and buffer stay in its folder when it stops. */
export async function startCollector(
  alloy: string,
  options: {
    settings: Settings;
    /** Folder of its storage. */
    storage: string;
    /** Folder of the log files. */
    files: string;
    url: string;
    /** File with the password of its user. */
    passwordFile?: string;
  },
): Promise<Server & { metrics: () => Promise<string> }> {
  const { settings, storage, files, url } = options;
  mkdirSync(storage, { recursive: true });
  const pipeline = join(storage, "pipeline.alloy");
  writeFileSync(pipeline, alloyPipeline("logs"));
  const password = join(storage, "password");
  writeFileSync(password, "none");
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const server = await Server.start(
    alloy,
    [
      "run",
      pipeline,
      publicPreview,
      "--disable-reporting",
      `--storage.path=${storage}`,
      `--server.http.listen-addr=127.0.0.1:${port}`,
    ],
    {
      environment: {
        ...alloyLogsEnvironment(settings),
        HOSTNAME: "node-1",
        LOG_FILES: files,
        STORAGE: storage,
        LOKI_URL: url,
        LOKI_PASSWORD_FILE: options.passwordFile ?? password,
      },
      ready: async () => (await fetch(`${address}/-/ready`)).ok,
    },
  );
  return Object.assign(server, { metrics: async () => (await fetch(`${address}/metrics`)).text() });
}
