import { SallyportError } from "../telemetry/error.ts";

/** No string on our wires is longer: a packet is at most 256 KiB. */
const LONGEST_STRING = 256 * 1024;

/**
 * Reads the data types of RFC 4251, section 5, from bytes of unknown origin. What it returns are views of the input,
 * not copies. @throws SallyportError SSH_PROTOCOL when a field does not fit
 */
export class SshReader {
  #position: number;

  constructor(
    private readonly bytes: Buffer,
    start = 0,
  ) {
    this.#position = start;
  }

  get position(): number {
    return this.#position;
  }

  get atEnd(): boolean {
    return this.#position === this.bytes.length;
  }

  byte(): number {
    return this.bytes.readUInt8(this.#take(1));
  }

  /** Any value but 0 is true (RFC 4251). */
  boolean(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.#take(4));
  }

  uint64(): bigint {
    return this.bytes.readBigUInt64BE(this.#take(8));
  }

  /** A `string`, as bytes. */
  string(longest = LONGEST_STRING): Buffer {
    const length = this.uint32();
    if (length > longest) throw malformed(`a string of ${length} bytes, at most ${longest} are allowed`);
    const start = this.#take(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A `string` with one character per byte: for names, and wherever bytes are compared and never interpreted. */
  latin1(longest = LONGEST_STRING): string {
    return this.string(longest).toString("latin1");
  }

  /** An `mpint` that must be positive and in its shortest form; without the leading zero byte. */
  positive(longest: number): Buffer {
    const bytes = this.string(longest + 1);
    const first = bytes[0];
    if (first === undefined || first >= 0x80) throw malformed("a number that is not positive");
    if (first !== 0) return bytes;
    const next = bytes[1];
    if (next === undefined || next < 0x80) throw malformed("a number that is not in its shortest form");
    return bytes.subarray(1);
  }

  /** Everything that is left. */
  rest(): Buffer {
    const start = this.#position;
    this.#position = this.bytes.length;
    return this.bytes.subarray(start);
  }

  /** Nothing may follow. */
  end(): void {
    if (!this.atEnd) throw malformed(`${this.bytes.length - this.#position} bytes too many`);
  }

  #take(length: number): number {
    const start = this.#position;
    if (length > this.bytes.length - start) throw malformed("an end in the middle of a field");
    this.#position = start + length;
    return start;
  }
}

/** Builds the data types of RFC 4251, section 5. */
export class SshWriter {
  readonly #parts: Buffer[] = [];

  byte(value: number): this {
    return this.raw(Buffer.of(value));
  }

  boolean(value: boolean): this {
    return this.byte(value ? 1 : 0);
  }

  uint32(value: number): this {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32BE(value);
    return this.raw(bytes);
  }

  uint64(value: bigint): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64BE(value);
    return this.raw(bytes);
  }

  /** A `string`; text is written as UTF-8. */
  string(value: Uint8Array | string): this {
    const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
    return this.uint32(bytes.length).raw(bytes);
  }

  /** A positive `mpint` from its big-endian bytes, leading zeros allowed. */
  positive(value: Uint8Array): this {
    const first = value.findIndex((byte) => byte !== 0);
    const digits = first < 0 ? Buffer.alloc(0) : value.subarray(first);
    return this.string((digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return this;
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function malformed(what: string): SallyportError {
  return new SallyportError("SSH_PROTOCOL", `The SSH data is malformed: ${what}.`);
}
