/**
 * A span as Jaeger's clients send it over HTTP, in Thrift's binary protocol. Those clients are retired, so it is
 * written here: https://github.com/jaegertracing/jaeger-idl/blob/main/thrift/jaeger.thrift
 */

/** Thrift's type codes. */
const type = { stop: 0, bool: 2, i32: 8, i64: 10, string: 11, struct: 12, list: 15 } as const;

const bytes = (size: number, write: (buffer: Buffer) => void): Buffer => {
  const buffer = Buffer.alloc(size);
  write(buffer);
  return buffer;
};
const i32 = (value: number) => bytes(4, (buffer) => buffer.writeInt32BE(value));
const i64 = (value: bigint) => bytes(8, (buffer) => buffer.writeBigInt64BE(BigInt.asIntN(64, value)));
const text = (value: string) => Buffer.concat([i32(Buffer.byteLength(value)), Buffer.from(value)]);
const field = (kind: number, id: number, value: Buffer) =>
  Buffer.concat([
    bytes(3, (buffer) => {
      buffer.writeUInt8(kind);
      buffer.writeInt16BE(id, 1);
    }),
    value,
  ]);
const struct = (...fields: Buffer[]) => Buffer.concat([...fields, Buffer.from([type.stop])]);
const list = (items: Buffer[]) => Buffer.concat([Buffer.from([type.struct]), i32(items.length), ...items]);

/** A tag with a text, and one that is true. */
const tag = (key: string, value: string) =>
  struct(field(type.string, 1, text(key)), field(type.i32, 2, i32(0)), field(type.string, 3, text(value)));
const flag = (key: string) =>
  struct(field(type.string, 1, text(key)), field(type.i32, 2, i32(2)), field(type.bool, 5, Buffer.from([1])));

/** A batch of one span that failed; ids in hexadecimal. */
export function jaegerBatch(
  service: string,
  operation: string,
  traceId: string,
  spanId: string,
  run: string,
): Buffer {
  const micros = BigInt(Date.now()) * 1000n;
  const span = struct(
    field(type.i64, 1, i64(BigInt(`0x${traceId.slice(16)}`))),
    field(type.i64, 2, i64(BigInt(`0x${traceId.slice(0, 16)}`))),
    field(type.i64, 3, i64(BigInt(`0x${spanId}`))),
    field(type.i64, 4, i64(0n)),
    field(type.string, 5, text(operation)),
    field(type.i32, 7, i32(1)),
    field(type.i64, 8, i64(micros)),
    field(type.i64, 9, i64(1000n)),
    field(type.list, 10, list([tag("run", run), flag("error")])),
  );
  return struct(
    field(type.struct, 1, struct(field(type.string, 1, text(service)))),
    field(type.list, 2, list([span])),
  );
}
