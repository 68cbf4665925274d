/** The longest tag-based protection there is here; both versions of TLS use it. */
export const TAG_LENGTH = 16;
/** Type, version, length (RFC 8446, 5.1). */
export const HEADER_LENGTH = 5;

/** One record's content, in clear. */
export interface Opened {
  type: number | undefined;
  content: Buffer;
}

/** How the records of one direction are encrypted, one after the other. */
export interface RecordProtection {
  /** Bytes by which a record is longer than its content, header included. */
  readonly overhead: number;
  /** Records since these keys began. */
  readonly used: number;
  /** Whether the session can go on with new keys. */
  readonly renewable: boolean;
  /** The type that a record's header shows. */
  outerType(type: number): number;
  /** The next keys; only where `renewable`. */
  update(): void;
  /** Encrypts one record's content, where it lies. Returns the parts of what follows the header. */
  seal(header: Buffer, content: Buffer, type: number): Uint8Array[];
  /** Decrypts one whole record. @throws when it was not sealed by these keys, as the next one */
  open(record: Buffer): Opened;
}
