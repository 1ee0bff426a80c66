/** A receiver of OTLP logs over HTTP, like Loki: it records accepted entries, and can be unavailable. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

export interface LogEntry {
  line: string;
  /** Nanoseconds. */
  time: bigint;
  labels: Record<string, string>;
  /** Other fields that are set; Loki with boltdb-shipper rejects an entry that has any. */
  others: string[];
}

/** Fields of a protobuf message, by number: https://protobuf.dev/programming-guides/encoding/ */
function fields(message: Buffer): Map<number, (Buffer | bigint)[]> {
  const found = new Map<number, (Buffer | bigint)[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number) => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const value =
      wire === 0
        ? varint()
        : wire === 1
          ? take(8).readBigUInt64LE()
          : wire === 5
            ? take(4)
            : take(Number(varint()));
    found.set(tag >> 3, [...(found.get(tag >> 3) ?? []), value]);
  }
  return found;
}

const messages = (message: Buffer, field: number) => (fields(message).get(field) ?? []) as Buffer[];
const text = (message: Buffer | undefined, field: number) =>
  message ? (messages(message, field)[0]?.toString("utf8") ?? "") : "";
const attributes = (message: Buffer, field: number) =>
  Object.fromEntries(messages(message, field).map((one) => [text(one, 1), text(messages(one, 2)[0], 1)]));

/**
 * Entries of a request:
 * https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto
 */
export const entriesOf = (request: Buffer): LogEntry[] =>
  messages(request, 1).flatMap((resourceLogs) => {
    const resource = messages(resourceLogs, 1)[0];
    const labels = resource ? attributes(resource, 1) : {};
    return messages(resourceLogs, 2)
      .flatMap((scopeLogs) => messages(scopeLogs, 2))
      .map((record) => {
        const all = fields(record);
        const zero = (value: Buffer | bigint | undefined) => value === 0n || value?.toString() === "";
        return {
          line: text(messages(record, 5)[0], 1),
          time: (all.get(1)?.[0] ?? 0n) as bigint,
          labels: { ...labels, ...attributes(record, 6) },
          others: [...all]
            .filter(([number, [value]]) => ![1, 5, 6].includes(number) && !zero(value))
            .map(([number]) => `field ${number}`),
        };
      });
  });

export class LogReceiver {
  readonly entries: LogEntry[] = [];
  /** Status of the next responses; entries are recorded only with 200. */
  status = 200;
  requests = 0;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<LogReceiver> {
    const server = createServer();
    const receiver = new LogReceiver(server);
    server.on("request", (request: IncomingMessage, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        receiver.requests++;
        const body = Buffer.concat(chunks);
        if (receiver.status === 200)
          receiver.entries.push(
            ...entriesOf(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body),
          );
        response.writeHead(receiver.status, { "content-type": "application/x-protobuf" }).end();
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
