/**
 * Receives spans over OTLP as Alloy does, for tests. The applications send to the real Alloy or, without it, to a few
 * lines of Python that parse the protocol with OpenTelemetry's own definitions.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Server } from "../support/servers";
import { tool } from "../support/tools";
import type { Python } from "./python";

/** A span, with the fields that tests read. */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: "internal" | "server" | "client" | "other";
  failed: boolean;
  seconds: number;
  attributes: Record<string, unknown>;
  /** Resource attributes. */
  resource: Record<string, unknown>;
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface Payload {
  resourceSpans: {
    resource: { attributes?: Attribute[] };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        kind: number;
        status?: { code?: number };
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        attributes?: Attribute[];
      }[];
    }[];
  }[];
}

const kinds: Record<number, Span["kind"]> = { 1: "internal", 2: "server", 3: "client" };

const valuesOf = (attributes: Attribute[] = []) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const spansOf = ({ resourceSpans }: Payload): Span[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? "",
        name: span.name,
        kind: kinds[span.kind] ?? "other",
        failed: span.status?.code === 2,
        seconds: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e9,
        attributes: valuesOf(span.attributes),
        resource: valuesOf(resource.attributes),
      })),
    ),
  );

/** Forwards OTLP over HTTP as JSON. */
const pipeline = (port: number, to: string) => `
otelcol.receiver.otlp "apps" {
	http {
		endpoint = "127.0.0.1:${port}"
	}

	output {
		traces = [otelcol.exporter.otlphttp.test.input]
	}
}

otelcol.exporter.otlphttp "test" {
	encoding = "json"

	client {
		endpoint    = "${to}"
		compression = "none"
	}
}
`;

export class Receiver {
  /** All received spans. */
  readonly spans: Span[] = [];
  private server: Server | undefined;

  private constructor(
    /** OTLP over HTTP. */
    readonly endpoint: string,
    /** Name of the receiving program. */
    readonly program: string,
    private readonly folder: string,
    private readonly sink: HttpServer,
  ) {}

  static async start(python: Python): Promise<Receiver> {
    const folder = mkdtempSync(join(tmpdir(), "observability-otlp-"));
    const [port, own] = [await freePort(), await freePort()];
    const sink = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (part) => {
        text += part;
      });
      request.once("end", () => {
        receiver.spans.push(...spansOf(JSON.parse(text)));
        response.setHeader("content-type", "application/json").end("{}");
      });
    });
    await new Promise<void>((done) => sink.listen(0, "127.0.0.1", done));
    const { port: sinkPort } = sink.address() as { port: number };
    const to = `http://127.0.0.1:${sinkPort}`;
    const alloy = tool("alloy");
    const receiver = new Receiver(`http://127.0.0.1:${port}`, alloy ? "Alloy" : "Python", folder, sink);
    const config = join(folder, "config.alloy");
    writeFileSync(config, pipeline(port, to));
    try {
      receiver.server = alloy
        ? await Server.start(
            alloy,
            [
              "run",
              config,
              `--storage.path=${folder}`,
              `--server.http.listen-addr=127.0.0.1:${own}`,
              "--disable-reporting",
            ],
            { ready: async () => (await fetch(`http://127.0.0.1:${own}/-/ready`)).ok },
          )
        : await Server.start(python.program, [join(__dirname, "otlp_to_json.py"), String(port), to], {
            environment: { PYTHONPATH: python.packages },
            ready: async () => (await fetch(receiver.endpoint)).ok,
          });
      return receiver;
    } catch (error) {
      await receiver.stop();
      throw error;
    }
  }

  /** The spans of a trace. */
  trace(id: string): Span[] {
    return this.spans.filter(({ traceId }) => traceId === id);
  }

  async stop(): Promise<void> {
    await this.server?.stop();
    this.sink.closeAllConnections();
    await new Promise((done) => this.sink.close(done));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
