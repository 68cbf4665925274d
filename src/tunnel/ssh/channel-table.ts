import type { SshChannel } from "./channel.ts";
import { protocolError } from "./messages.ts";
import type { ReceiveWindow } from "./window.ts";

/** An open of ours that the peer has not answered. */
export interface PendingOpen {
  window: ReceiveWindow;
  confirmed(channel: SshChannel): void;
  refused(error: Error): void;
  /** Nobody waits any more: close it as soon as it is open. */
  abandoned: boolean;
}

type Slot = { channel: SshChannel } | { pending: PendingOpen };

/**
 * Our channel numbers. A number is free again only when both ends have closed the channel, so a late message never
 * reaches another one.
 */
export class ChannelTable {
  readonly #slots = new Map<number, Slot>();
  readonly #free: number[] = [];
  #next = 0;

  /** Numbers in use. */
  get size(): number {
    return this.#slots.size;
  }

  /** A number for an open of ours. */
  reserve(pending: PendingOpen): number {
    const id = this.allot();
    this.#slots.set(id, { pending });
    return id;
  }

  /** A number that `put` is called with next. */
  allot(): number {
    return this.#free.pop() ?? this.#next++;
  }

  put(channel: SshChannel): void {
    this.#slots.set(channel.id, { channel });
  }

  remove(id: number): void {
    if (this.#slots.delete(id)) this.#free.push(id);
  }

  /** @throws SallyportError SSH_PROTOCOL when the peer means a channel that is not open */
  channel(id: number): SshChannel {
    const slot = this.#slots.get(id);
    if (!slot || !("channel" in slot)) throw protocolError(`a message for channel ${id}, which is not open`);
    return slot.channel;
  }

  /** @throws SallyportError SSH_PROTOCOL when the peer answers what was not asked */
  pending(id: number): PendingOpen {
    const slot = this.#slots.get(id);
    if (!slot || !("pending" in slot))
      throw protocolError(`an answer for channel ${id}, which was not being opened`);
    return slot.pending;
  }

  /** Empties the table and returns what was in it. */
  clear(): { channels: SshChannel[]; pending: PendingOpen[] } {
    const slots = [...this.#slots.values()];
    this.#slots.clear();
    return {
      channels: slots.flatMap((slot) => ("channel" in slot ? [slot.channel] : [])),
      pending: slots.flatMap((slot) => ("pending" in slot ? [slot.pending] : [])),
    };
  }
}
