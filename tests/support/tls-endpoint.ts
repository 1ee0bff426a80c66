/** TLS endpoints with certificates of any validity, and the results of a blackbox exporter for them. */
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";
import { connect, createServer } from "node:tls";
import { generate } from "selfsigned";

const listening = async (server: NetServer): Promise<number> => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
};

/** An endpoint whose certificate is valid for some days from now; with a negative number, it has expired. */
export async function tlsEndpoint(days: number): Promise<{ server: NetServer; address: string }> {
  const day = 24 * 3600 * 1000;
  const { private: key, cert } = await generate([{ name: "commonName", value: "test" }], {
    keyType: "ec",
    notBeforeDate: new Date(Date.now() - 40 * day),
    notAfterDate: new Date(Date.now() + days * day),
  });
  const server = createServer({ key, cert });
  server.on("tlsClientError", () => undefined);
  return { server, address: `127.0.0.1:${await listening(server)}` };
}

/** When the certificate of an endpoint expires, in seconds since 1970. */
const expiryOf = (host: string, port: number): Promise<number> =>
  new Promise((done, fail) => {
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      done(Date.parse(socket.getPeerCertificate().valid_to) / 1000);
      socket.end();
    });
    socket.once("error", fail);
  });

/** Responds to `/probe` as a blackbox exporter does, for builds of Alloy that lack it. */
export async function probes(): Promise<{ server: HttpServer; address: string }> {
  const server = createHttpServer(async ({ url = "" }, response) => {
    const target = new URL(url, "http://probes").searchParams.get("target") ?? "";
    const [host = "", port = ""] = target.split(":");
    const expiry = await expiryOf(host, Number(port)).catch(() => undefined);
    response.setHeader("Content-Type", "text/plain; version=0.0.4");
    const name = "probe_ssl_earliest_cert_expiry";
    response.end(
      `${expiry === undefined ? "" : `# TYPE ${name} gauge\n${name} ${expiry}\n`}# TYPE probe_success gauge\nprobe_success ${expiry === undefined ? 0 : 1}\n`,
    );
  });
  return { server, address: `127.0.0.1:${await listening(server)}` };
}
