/** The real Alloy on log files that are links to Docker's, that rotate behind these links, and that exist for a second. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { parseSettings } from "../../settings";
import { LogReceiver } from "../support/otlp-logs";
import { containerFolder, envelopes, startCollector } from "../support/pod-logs";
import type { Server } from "../support/servers";
import { needs } from "../support/tools";

describe("cases: log files of Docker and of short-lived pods", function () {
  this.timeout(120_000);
  let folder: string;
  let receiver: LogReceiver | undefined;
  let collector: Server | undefined;

  before(async function () {
    const [alloy = ""] = needs(this, "alloy");
    folder = mkdtempSync(join(tmpdir(), "observability-log-lifetimes-"));
    mkdirSync(join(folder, "pods"));
    receiver = await LogReceiver.start();
    collector = await startCollector(alloy, {
      settings: parseSettings("test", { environment: "dev", cluster: { name: "test" } }),
      storage: join(folder, "alloy"),
      files: join(folder, "pods"),
      url: receiver.url,
    });
  });

  after(async () => {
    await collector?.stop();
    await receiver?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const linesOf = (pod: string) =>
    (receiver?.entries ?? []).filter(({ labels }) => labels["pod_name"] === pod).map(({ line }) => line);
  /** Waits for so many lines of a pod, and a little longer for more. */
  const arrived = async (pod: string, count: number) => {
    const deadline = Date.now() + 30_000;
    while (linesOf(pod).length < count && Date.now() < deadline) await wait(100);
    await wait(1000);
    return linesOf(pod);
  };
  const docker = (line: string) => envelopes.docker(line, "stdout", new Date().toISOString());

  // grafana/loki#2180, #429, grafana/helm-charts#2974: minikube, Docker Desktop, cri-dockerd.
  it("follows the links of the kubelet to Docker's files, also when Docker rotates them", async () => {
    const id = "0123456789abcdef";
    const file = join(folder, "docker", id, `${id}-json.log`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, docker("one") + docker("two"));
    symlinkSync(file, join(containerFolder(join(folder, "pods"), "shop", "docker-0", "api"), "0.log"));
    expect(await arrived("docker-0", 2)).to.deep.equal(["one", "two"]);

    appendFileSync(file, docker("three"));
    renameSync(file, `${file}.1`);
    writeFileSync(file, docker("four"));
    expect(await arrived("docker-0", 4)).to.have.members(["one", "two", "three", "four"]);
  });

  // grafana/loki#10998
  it("delivers the last words of a container of Docker without a newline", async () => {
    const log = JSON.stringify({
      log: "panic: last words",
      stream: "stderr",
      time: new Date().toISOString(),
    });
    const pod = containerFolder(join(folder, "pods"), "shop", "docker-1", "api");
    writeFileSync(join(pod, "0.log"), `${docker("first")}${log}\n`);
    expect(await arrived("docker-1", 2)).to.have.members(["first", "panic: last words"]);
  });

  // grafana/loki#3458, grafana/k8s-monitoring-helm#2565: a Job with ttlSecondsAfterFinished 0.
  it("reads the lines of pods whose files exist for a second", async () => {
    const pods = Array.from({ length: 20 }, (_, number) => `short-${number}`);
    await Promise.all(
      pods.map(async (pod, number) => {
        await wait(number * 73);
        const own = containerFolder(join(folder, "pods"), "shop", pod, "app");
        const time = new Date().toISOString();
        writeFileSync(join(own, "0.log"), envelopes.containerd(`hello from ${pod}`, "stdout", time));
        await wait(1000);
        rmSync(dirname(own), { recursive: true });
      }),
    );
    const deadline = Date.now() + 15_000;
    while (pods.some((pod) => !linesOf(pod).length) && Date.now() < deadline) await wait(100);
    expect(pods.map((pod) => linesOf(pod))).to.deep.equal(pods.map((pod) => [`hello from ${pod}`]));
  });
});
