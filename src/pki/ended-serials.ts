/** Client certificates live for minutes, so the oldest of very many have long expired. */
const MOST = 50_000;

/** Serials of certificates whose access a platform has ended: refused although they are valid (EXTENSIONS X4). */
export class EndedSerials {
  readonly #serials = new Set<string>();

  add(serials: Iterable<string>): void {
    for (const serial of serials) {
      this.#serials.delete(serial);
      this.#serials.add(serial);
    }
    for (const oldest of this.#serials) {
      if (this.#serials.size <= MOST) return;
      this.#serials.delete(oldest);
    }
  }

  /** All that are known, the oldest first. */
  list(): string[] {
    return [...this.#serials];
  }

  has(serial: string): boolean {
    return this.#serials.has(serial);
  }
}
