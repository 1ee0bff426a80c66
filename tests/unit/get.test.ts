/** `obs get`: URLs in the cluster. */
import { expect } from "chai";
import { partsOf } from "../../cli/commands/get";
import { settingsOf } from "../support/stacks";

describe("obs get", () => {
  const parts = (url: string, config = {}) => partsOf(settingsOf("prod", config), url);

  it("reads the URLs of Services and pods, with or without scheme and domain", () => {
    const ring = { name: "mimir-distributor", namespace: "mimir", port: 8080, path: "/ingester/ring?a=b" };
    for (const url of [
      "mimir-distributor.mimir:8080",
      "http://mimir-distributor.mimir.svc.cluster.local:8080",
    ])
      expect(parts(`${url}/ingester/ring?a=b`), url).to.deep.equal(ring);
    expect(parts("b-loki-0.b-loki:3100", { namespaces: { prefix: "b-" } })).to.deep.equal({
      name: "b-loki-0",
      namespace: "b-loki",
      port: 3100,
      path: "/",
    });
  });

  it("uses TLS with servers that can have a certificate", () => {
    expect(parts("minio.minio:9000/minio/health/live").served).to.equal("minio");
    expect(parts("grafana.grafana:80/api/health").served).to.equal("grafana");
    expect(parts("loki-gateway.loki:80/")).not.to.have.property("served");
  });

  it("rejects other forms, and namespaces of others", () => {
    for (const url of ["loki-ingester-0/ready", "loki-ingester-0.loki/ready", "loki:3100/ready"])
      expect(() => parts(url), url).to.throw(
        `url: invalid value "${url}" (must be <Service or pod>.<namespace>:<port>/<path>, such as`,
      );
    expect(() => parts("kubernetes.default:443/")).to.throw(
      'namespace in the url: invalid value "default" (must be a namespace of this stack: minio, loki',
    );
  });
});
