/**
 * One end of a two-way byte stream: an SSH channel, a socket, a TLS session. Flow control is by credit, in both
 * directions and on every kind of stream: a source has only a window of unconsumed bytes outstanding, and its consumer
 * says `consumed` when the bytes have really left. So `write` never needs to say "stop".
 */
export interface ByteStream {
  /**
   * Starts delivery. Until a handler is attached nothing is delivered and at most one window is held.
   * Call once; a later call replaces the handler (used when a prologue was read first).
   */
  attach(handler: ByteStreamHandler): void;
  /**
   * Takes the chunk, which from now on belongs to the stream: the caller may not read, change or slice it again
   * (its memory may be given back at once, see `release`). After `end` or `destroy` the bytes are dropped and
   * reported as written.
   */
  write(chunk: Buffer): void;
  /** Ends our direction after what was written. The other direction stays open. Safe to call twice. */
  end(): void;
  /** Drops both directions and everything queued, now. Safe to call twice. `closed` still follows once. */
  destroy(error?: Error): void;
  /** Gives the far writer credit for bytes that our consumer has passed on. */
  consumed(bytes: number): void;
}

/** What the owner of a stream is told. No call comes before `attach` and none after `closed`. */
export interface ByteStreamHandler {
  /** Bytes from the peer. The chunk belongs to the handler, which must call `consumed(chunk.length)` in the end. */
  data(chunk: Buffer): void;
  /** The peer has ended its direction; no more data. */
  end(): void;
  /** Of what we wrote, this many more bytes have left our queue. */
  written(bytes: number): void;
  /** Both directions are over. Exactly once; `error` is null after two orderly ends. */
  closed(error: Error | null): void;
}
