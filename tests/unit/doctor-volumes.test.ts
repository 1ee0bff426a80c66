import type { V1PersistentVolumeClaim } from "@kubernetes/client-node";
import { expect } from "chai";
import { claimFinding, nodeFinding, usageFindings } from "../../cli/commands/doctor/checks/volumes";
import { settingsOf } from "../support/stacks";

const settings = settingsOf("dev");
/** A file system reserves a part of its capacity: the available space counts. */
const usage = (used: number) => ({
  pvcRef: { namespace: "mimir", name: "storage-mimir-ingester-0" },
  usedBytes: 50,
  availableBytes: 100 - used,
  capacityBytes: 100,
});
const claim = (phase: string, storageClassName = "standard"): V1PersistentVolumeClaim => ({
  metadata: { namespace: "loki", name: "data-loki-ingester-0" },
  spec: { storageClassName },
  status: { phase },
});
const classes = [
  { name: "standard", waits: false },
  { name: "late", waits: true },
];

describe("doctor: volumes", () => {
  it("warns of a volume from 85 %, and reports it as full from 95 %", () => {
    expect(usageFindings([usage(84)], settings)).to.deep.equal([]);
    const [near] = usageFindings([usage(85)], settings);
    expect(near?.severity).to.equal("warning");
    const [full] = usageFindings([usage(96)], settings);
    expect(full?.severity).to.equal("critical");
    expect(full?.what).to.contain("is full: 96 %");
    expect(full?.fix).to.contain("mimir.ingester.disk");
  });

  it("names the class that a PVC waits for", () => {
    expect(claimFinding(claim("Bound"), [], classes, true)).to.equal(undefined);
    const none = claimFinding(claim("Pending", "fast"), ['storageclass "fast" not found'], classes, true);
    expect(none?.what).to.contain("there is no StorageClass fast");
    expect(none?.evidence).to.contain("not found");
    expect(claimFinding(claim("Pending"), [], classes, true)?.fix).to.contain(
      "provisioner of StorageClass standard",
    );
    expect(claimFinding(claim("Lost"), [], classes, true)?.what).to.contain("lost its volume");
    // With WaitForFirstConsumer, no volume is created before there is a pod.
    expect(claimFinding(claim("Pending", "late"), [], classes, false)).to.equal(undefined);
  });

  it("reports a node's disk by its usage and its free space", () => {
    const disk = (availableBytes: number, capacityBytes: number) =>
      nodeFinding("a", { availableBytes, capacityBytes })?.severity;
    const gi = 2 ** 30;
    expect(disk(4 * gi, 100 * gi)).to.equal("critical");
    expect(disk(8 * gi, 100 * gi)).to.equal("warning");
    expect(disk(11 * gi, 100 * gi)).to.equal(undefined);
    expect(disk(50 * gi, 1000 * gi)).to.equal(undefined);
  });
});
