/** Requests to pods, Services and Grafana: a port-forward of the Kubernetes API that leads to a server of this test. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { Exec, type KubeConfig, PortForward } from "@kubernetes/client-node";
import { expect } from "chai";
import { inContainer } from "../../cli/lib/exec";
import { withGrafana } from "../../cli/lib/grafana";
import { ask, bodyOf } from "../../cli/lib/service";
import { services } from "../../names";
import { UserError } from "../../settings";
import { credentialKeys } from "../../values/gateway";
import { settingsOf } from "../support/stacks";

const settings = settingsOf("dev");
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("requests through port-forwards", () => {
  const { portForward } = PortForward.prototype;
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const api = {
    listNamespacedPod: async () => ({ items: [{ metadata: { name: "a" }, status: { phase: "Running" } }] }),
    readNamespacedService: async () => ({ spec: { ports: [{ port: 9090, targetPort: 9090 }] } }),
    readNamespacedSecret: async () => ({
      data: {
        [credentialKeys("loki", "logs-read").password]: base64("secret"),
        "admin-password": base64("admin"),
      },
    }),
  };
  const config = { makeApiClient: () => api } as unknown as KubeConfig;

  before(async () => {
    server = createServer((request, response) => answer(request, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    PortForward.prototype.portForward = async (_namespace, _pod, _ports, output, _errors, input) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      (input as Duplex).pipe(socket).pipe(output as Duplex);
      return { close: () => socket.destroy() } as never;
    };
  });
  after(() => {
    PortForward.prototype.portForward = portForward;
    server.close();
  });

  it("authenticate at a gateway as one of its users, and keep other headers", async () => {
    answer = ({ method, url, headers }, response) =>
      response.end([method, url, headers.authorization, headers["x-scope-orgid"]].join(" "));
    const request = { path: "/p?q=1", as: "logs-read", headers: { "X-Scope-OrgID": "logs" } };
    const body = await bodyOf(config, services(settings).loki, { ...request, method: "POST", body: "line" });
    expect(body).to.equal(`POST /p?q=1 Basic ${base64("logs-read:secret")} logs`);
    const failed = await ask(config, services(settings).loki, { path: "/", as: "nobody" }).catch(String);
    expect(failed).to.equal("Error: loki-gateway has no user nobody");
  });

  it("return the status of an error, or throw it with the server's message", async () => {
    answer = (_, response) => response.writeHead(500).end(" out of memory\n");
    const service = services(settings).prometheus;
    expect(await ask(config, service, { path: "/" })).to.deep.equal({
      status: 500,
      body: " out of memory\n",
    });
    const failed = await bodyOf(config, service, { path: "/" }).catch(String);
    expect(failed).to.equal(`Error: ${service.name} answered 500: out of memory`);
  });

  it("run a script in a container, and throw what it writes to stderr", async () => {
    const { exec } = Exec.prototype;
    const runs = (status: string, ...parts: Buffer[]) => {
      Exec.prototype.exec = async (_namespace, _pod, _container, _command, out, err, _in, _tty, done) => {
        for (const part of parts) (status === "Success" ? out : err)?.write(part);
        done?.({ status });
        return { addEventListener: () => undefined } as never;
      };
      return inContainer(config, { namespace: "grafana", pod: "grafana-0", container: "grafana" }, "echo é");
    };
    try {
      // A character may be in two parts.
      expect(await runs("Success", Buffer.from([0xc3]), Buffer.from([0xa9, 10]))).to.equal("é\n");
      const failed = runs("Failure", Buffer.from("no such user\n"));
      expect(await failed.catch(String)).to.equal("Error: grafana-0: no such user");
    } finally {
      Exec.prototype.exec = exec;
    }
  });

  it("use Grafana's API as the admin user, and name the fix if it rejects the login", async () => {
    answer = ({ method, headers }, response) =>
      response.end(JSON.stringify({ method, authorization: headers.authorization }));
    const authorization = `Basic ${base64("admin:admin")}`;
    const asked = await withGrafana({ config, settings }, async ({ json }) => [
      await json("/api/health"),
      await json("/api/x", {}),
    ]);
    expect(asked).to.deep.equal([
      { method: "GET", authorization },
      { method: "POST", authorization },
    ]);
    answer = (_, response) => response.writeHead(401).end();
    const rejected = withGrafana({ config, settings }, ({ json }) => json("/api/health"));
    const error = await rejected.catch((reason: Error) => reason);
    expect(error).to.be.instanceOf(UserError);
    expect((error as Error).message).to.include("OBS_GRAFANA_TOKEN");
  });
});
