import { SallyportError } from "../../telemetry/error.ts";

/** Tags of the DER values that certificates are made of (X.690). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag of `[number]`; constructed ones hold other values. */
export function contextTag(number: number, constructed: boolean): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

export interface DerValue {
  tag: number;
  content: Buffer;
}

/**
 * Reads DER values one after the other. Every length is checked against what is there; indefinite and needlessly long
 * lengths, and tags above 30, are refused.
 * @throws SallyportError CERTIFICATE_REFUSED
 */
export class DerReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get done(): boolean {
    return this.#at >= this.bytes.length;
  }

  peekTag(): number | undefined {
    return this.bytes[this.#at];
  }

  next(): DerValue {
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw malformed("a tag it may not hold");
    const length = this.#length();
    const end = this.#at + length;
    if (end > this.bytes.length) throw malformed("a length beyond its end");
    const content = this.bytes.subarray(this.#at, end);
    this.#at = end;
    return { tag, content };
  }

  /** The content of the next value, which must have this tag. */
  expect(tag: number): Buffer {
    const value = this.next();
    if (value.tag !== tag) throw malformed("a value of another type than expected");
    return value.content;
  }

  optional(tag: number): Buffer | undefined {
    return this.peekTag() === tag ? this.next().content : undefined;
  }

  /** A reader inside the next value, which must have this tag. */
  enter(tag: number): DerReader {
    return new DerReader(this.expect(tag));
  }

  finish(): void {
    if (!this.done) throw malformed("surplus bytes");
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 3) throw malformed("a length it may not hold");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformed("a length that is not minimal");
    return length;
  }

  #byte(): number {
    const byte = this.bytes[this.#at++];
    if (byte === undefined) throw malformed("an early end");
    return byte;
  }
}

/** The content octets of a dotted object identifier, in hex. */
export function encodeOid(oid: string): string {
  const [first = 0, second = 0, ...rest] = oid.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap(base128);
  return Buffer.from(bytes).toString("hex");
}

export function malformed(what: string): SallyportError {
  return new SallyportError("CERTIFICATE_REFUSED", `The certificate is malformed: it has ${what}.`);
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let left = arc >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80);
  return bytes;
}
