import type { SshChannel } from "./channel.ts";

/**
 * Channels with data to send, first in, first out: each sends one turn and goes to the end of the line, so a busy
 * channel never holds up the others.
 */
export class ChannelLine {
  #line: SshChannel[] = [];
  readonly #waiting = new Set<SshChannel>();
  #serving = false;

  /** `open` says whether data may be sent now. */
  constructor(private readonly open: () => boolean) {}

  enqueue(channel: SshChannel): void {
    if (this.#waiting.has(channel)) return;
    this.#waiting.add(channel);
    this.#line.push(channel);
    this.serve();
  }

  /** Gives out turns for as long as data may be sent. */
  serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    while (this.open()) {
      const channel = this.#line.shift();
      if (!channel) break;
      this.#waiting.delete(channel);
      channel.transmit();
    }
    this.#serving = false;
  }

  clear(): void {
    this.#line = [];
    this.#waiting.clear();
  }
}
