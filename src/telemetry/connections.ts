import type { Fields } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** Bytes that a connection has carried so far; whoever carries them counts up. */
export interface Traffic {
  /** From the client to the target. */
  forward: number;
  /** From the target to the client. */
  backward: number;
}

/** One open connection, for `status`. */
export interface OpenConnection {
  /** `c17`: the prefix of its lines in the log. */
  id: string;
  mode: string;
  /** RFC 3339. */
  since: string;
  bytesUp: number;
  bytesDown: number;
  /** Who and what, by the keys of the log. */
  about: Fields;
}

export interface ConnectionTotals {
  open: number;
  /** Since the start, open ones included. */
  total: number;
  bytesUp: number;
  bytesDown: number;
}

/** The entry of an open connection. */
export interface Entry {
  readonly id: string;
  /** @param cause ENDED, or the code of what ended it */
  close(cause: string): void;
}

interface Live {
  mode: string;
  since: Date;
  about: Fields;
  traffic: () => Traffic;
}

/** Every connection that this process serves, from the moment it knows whose it is to its end. */
export class Connections {
  readonly #live = new Map<string, Live>();
  readonly #over: Traffic = { forward: 0, backward: 0 };
  #count = 0;

  constructor(
    private readonly metrics: Metrics,
    private readonly now: () => Date = () => new Date(),
    /** Before each id, where other processes of this daemon count as well. */
    private readonly prefix = "",
  ) {
    metrics.beforeRead(() => this.#measure());
  }

  /** @param traffic asked when somebody looks, and at the end */
  open(mode: string, about: Fields, traffic: () => Traffic): Entry {
    const id = `${this.prefix}c${++this.#count}`;
    this.#live.set(id, { mode, about, traffic, since: this.now() });
    return {
      id,
      close: (cause) => {
        if (!this.#live.delete(id)) return;
        const { forward, backward } = traffic();
        this.#over.forward += forward;
        this.#over.backward += backward;
        this.metrics.connections.inc({ mode, cause });
        if (cause !== ENDED) this.metrics.errors.inc({ code: cause });
      },
    };
  }

  totals(): ConnectionTotals {
    let { forward, backward } = this.#over;
    for (const { traffic } of this.#live.values()) {
      const sofar = traffic();
      forward += sofar.forward;
      backward += sofar.backward;
    }
    return { open: this.#live.size, total: this.#count, bytesUp: forward, bytesDown: backward };
  }

  /** The newest first, at most that many. */
  list(most: number): OpenConnection[] {
    const newest = [...this.#live].slice(-most).reverse();
    return newest.map(([id, { mode, since, about, traffic }]) => {
      const { forward, backward } = traffic();
      return { id, mode, since: since.toISOString(), bytesUp: forward, bytesDown: backward, about };
    });
  }

  #measure(): void {
    const { openConnections, bytes } = this.metrics;
    openConnections.reset();
    for (const { mode } of this.#live.values()) openConnections.inc({ mode });
    const { bytesUp, bytesDown } = this.totals();
    bytes.reset();
    bytes.inc({ direction: "up" }, bytesUp);
    bytes.inc({ direction: "down" }, bytesDown);
  }
}

/** The cause of a connection that ended in order. */
export const ENDED = "ENDED";
