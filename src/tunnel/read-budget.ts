const KIB = 1024;
const MIB = 1024 * KIB;

/** Reading pauses above this many unconsumed bytes and goes on below half of it. One read may add 512 KiB on top. */
const READ_WINDOW = 512 * KIB;
/** The same while the process holds too much: enough to keep a stream moving. */
const SHORT_WINDOW = 64 * KIB;

/**
 * What the sockets of a process have read and nobody has consumed yet. SSH channels are bounded by the credit that was
 * advertised (`WindowBudget`), sockets by when they stop reading: far beyond the limit, a thousand stalled peers must
 * not hold half a megabyte each. Past it every socket reads in small portions, and those that move go on moving.
 */
export class ReadBudget {
  #held = 0;

  /** @param limit bytes */
  constructor(private readonly limit = 64 * MIB) {}

  /** What one socket may hold now, in bytes. */
  get window(): number {
    return this.#held < this.limit ? READ_WINDOW : SHORT_WINDOW;
  }

  /** A socket holds so much more, or with a minus less. */
  hold(bytes: number): void {
    this.#held += bytes;
  }
}

/** All sockets of this process share it. */
export const processReads = new ReadBudget();
