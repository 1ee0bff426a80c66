import type { V1StatefulSet } from "@kubernetes/client-node";
import { expect } from "chai";
import { serverProblems, volumeProblems } from "../../components/object-storage/preflight";
import { settingsOf } from "../support/stacks";

/** MinIO's StatefulSet from its chart, scaled to a number of replicas manually. */
const minio = (servers: number, replicas = servers): V1StatefulSet => ({
  metadata: { name: "minio" },
  spec: {
    serviceName: "minio-svc",
    selector: {},
    replicas,
    template: {
      spec: {
        containers: [
          {
            name: "minio",
            command: [
              "/bin/sh",
              "-ce",
              `/usr/bin/docker-entrypoint.sh minio server  http://minio-{0...${servers - 1}}.minio-svc.minio.svc.cluster.local/export -S /etc/minio/certs/ --address :9000`,
            ],
          },
        ],
      },
    },
  },
});
const told = (statefulSets: V1StatefulSet[], servers?: number) =>
  serverProblems(settingsOf("prod", servers ? { objectStorage: { minio: { servers } } } : {}), {
    statefulSets,
  }).map(({ path, was, allowed }) => `${path} ${was}: ${allowed}`);

describe("unit: MinIO's servers", () => {
  it("are neither added nor removed", () => {
    expect(told([minio(4)])).to.deep.equal([
      "objectStorage.minio.servers 6: 4: MinIO runs with 4 servers, and an erasure-coded pool cannot be resized; " +
        "docs/guides/object-storage.md explains how to move to another number",
    ]);
    expect(told([minio(6)], 4)[0]).to.match(/^objectStorage\.minio\.servers 4: 6: /);
    expect(told([minio(4)], 4)).to.deep.equal([]);
  });

  it("are those of the pool, whatever the StatefulSet is scaled to", () => {
    expect(told([minio(6, 0)])).to.deep.equal([]);
    expect(told([minio(4, 6)])).to.have.length(1);
  });

  it("can be any number before there is a pool", () => {
    expect(told([])).to.deep.equal([]);
    expect(serverProblems(settingsOf("dev"), { statefulSets: [minio(4)] })).to.deep.equal([]);
  });
});

describe("unit: volumes of MinIO", () => {
  const problems = (storage: string, name = "export-minio-0") =>
    volumeProblems(settingsOf("prod", { objectStorage: { minio: { disk: "100Gi" } } }), {
      claims: [{ metadata: { name }, spec: { resources: { requests: { storage } } } }],
    });

  it("may grow, but not shrink, and are never removed with data", () => {
    expect(problems("100Gi")).to.deep.equal([]);
    expect(problems("50Gi")).to.deep.equal([]);
    expect(problems("200Gi")[0]?.allowed).to.match(/^200Gi or more: .*cannot shrink/);
    expect(problems("100Gi", "export-minio-99")[0]?.path).to.equal("objectStorage.minio");
    expect(problems("100Gi", "other")).to.deep.equal([]);
  });
});
