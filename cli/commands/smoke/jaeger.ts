/**
 * A span as Jaeger's clients send it over HTTP, in Thrift's binary protocol. Those clients are retired, so it is
 * written here: https://github.com/jaegertracing/jaeger-idl/blob/main/thrift/jaeger.thrift
 */

const i32 = (value: number) => value.toString(16).padStart(8, "0");
const i64 = (value: bigint) => value.toString(16).padStart(16, "0");
const text = (value: string) => `${i32(Buffer.byteLength(value))}${Buffer.from(value).toString("hex")}`;

/**
 * A batch of one span that failed; ids in hexadecimal. A line is a field: its type (02 bool, 08 i32, 0a i64, 0b string,
 * 0c struct, 0f list), its number, its value. 00 ends a struct.
 */
export function jaegerBatch(
  service: string,
  operation: string,
  traceId: string,
  spanId: string,
  run: string,
): Buffer {
  const batch = `
    0c 0001 0b 0001 ${text(service)} 00
    0f 0002 0c ${i32(1)}
      0a 0001 ${traceId.slice(16)}
      0a 0002 ${traceId.slice(0, 16)}
      0a 0003 ${spanId}
      0a 0004 ${i64(0n)}
      0b 0005 ${text(operation)}
      08 0007 ${i32(1)}
      0a 0008 ${i64(BigInt(Date.now()) * 1000n)}
      0a 0009 ${i64(1000n)}
      0f 000a 0c ${i32(2)}
        0b 0001 ${text("run")}   08 0002 ${i32(0)} 0b 0003 ${text(run)} 00
        0b 0001 ${text("error")} 08 0002 ${i32(2)} 02 0005 01 00
    00
    00`;
  return Buffer.from(batch.replace(/\s/g, ""), "hex");
}
