/** Protocol buffers for large pushes: the wire format in one reused buffer, https://protobuf.dev/programming-guides/encoding/ */

/** Bytes reserved for the length of a nested message, which is known only after its content. */
const reserved = 4;

/** A message under construction. Its buffer grows to the largest message and is reused by the next. */
export class Message {
  private buffer = Buffer.allocUnsafe(1 << 20);
  private at = 0;

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  private varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.buffer[this.at++] = (rest % 128) + 128;
    this.buffer[this.at++] = rest;
  }

  private tag(field: number, wireType: number, bytes: number): void {
    this.room(bytes + 10);
    this.varint(field * 8 + wireType);
  }

  number(field: number, value: number): this {
    this.tag(field, 0, 10);
    this.varint(value);
    return this;
  }

  double(field: number, value: number): this {
    this.tag(field, 1, 8);
    this.at = this.buffer.writeDoubleLE(value, this.at);
    return this;
  }

  fixed64(field: number, value: bigint): this {
    this.tag(field, 1, 8);
    this.at = this.buffer.writeBigUInt64LE(value, this.at);
    return this;
  }

  bytes(field: number, value: Buffer): this {
    this.tag(field, 2, value.length);
    this.varint(value.length);
    this.at += value.copy(this.buffer, this.at);
    return this;
  }

  /** Text in ASCII. */
  text(field: number, value: string): this {
    this.tag(field, 2, value.length);
    this.varint(value.length);
    this.at += this.buffer.write(value, this.at, "latin1");
    return this;
  }

  /** Fields that are already encoded. */
  raw(fields: Buffer): this {
    this.room(fields.length);
    this.at += fields.copy(this.buffer, this.at);
    return this;
  }

  /** A nested message. */
  nested(field: number, content: (message: this) => void): this {
    this.tag(field, 2, reserved);
    const start = this.at;
    this.at += reserved;
    content(this);
    let length = this.at - start - reserved;
    for (let byte = 0; byte < reserved; byte++, length = Math.floor(length / 128))
      this.buffer[start + byte] = (length % 128) + (byte < reserved - 1 ? 128 : 0);
    return this;
  }

  /** Returns the message and starts an empty one. */
  take(): Buffer<ArrayBuffer> {
    const content = Buffer.from(this.buffer.subarray(0, this.at));
    this.at = 0;
    return content;
  }

  /** The same in Snappy's block format, as a single literal: https://github.com/google/snappy/blob/main/format_description.txt */
  takeSnappy(): Buffer<ArrayBuffer> {
    const content = this.take();
    const head = Buffer.alloc(10);
    for (let byte = 0, length = content.length; byte < 5; byte++, length = Math.floor(length / 128))
      head[byte] = (length % 128) + (byte < 4 ? 128 : 0);
    head[5] = 63 * 4;
    head.writeUInt32LE(content.length - 1, 6);
    return Buffer.concat([head, content]);
  }
}
