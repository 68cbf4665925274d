import type { UnixSocketListener } from "bun";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { SocketStream, streamEvents } from "../socket.ts";
import type { Bridge } from "./bridge.ts";

type UnixListener = UnixSocketListener<unknown>;

export interface HandOverOptions {
  /** Opens a listener at a new path. @throws */
  listen: () => UnixListener;
  /** How long one connection may take from connect to accept. It never leaves this process. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 2000;
/** Channels that wait for their turn; each takes some 20 us. */
const QUEUE_LIMIT = 4096;

/**
 * Joins bridges to the sockets that a unix listener accepts. Connections are accepted in the order in which they were
 * made, but a failure could shift that order by one; so only one is on its way at a time, and after any failure the
 * listener is replaced by one at a new path, with whatever waits in the old one's queue. 17 us each, against 35 for a
 * listener per connection, which here would also mean a TLS context each.
 */
export class HandOver {
  #listener: UnixListener;
  #queue: Bridge[] = [];
  #current: Transfer | null = null;
  #closed = false;

  /** @throws what `listen` throws */
  constructor(private readonly options: HandOverOptions) {
    this.#listener = options.listen();
  }

  get listener(): UnixListener {
    return this.#listener;
  }

  /** Joins the bridge to a new connection, or drops it with an error. */
  add(bridge: Bridge): void {
    if (this.#closed) return bridge.drop(new SallyportError("DRAINING", "This gateway is stopping."));
    if (this.#queue.length >= QUEUE_LIMIT) {
      return bridge.drop(new SallyportError("RESOURCE_SHORTAGE", "Too many connections are being opened."));
    }
    this.#queue.push(bridge);
    this.#advance();
  }

  /** The listener has accepted a socket: the bridge that it belongs to, or null if we did not make it. */
  accepted(): Bridge | null {
    const transfer = this.#current;
    if (!transfer || transfer.accepted) return null;
    transfer.accepted = true;
    this.#finish(transfer);
    return transfer.bridge;
  }

  /** Drops what waits and removes the socket. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = new SallyportError("DRAINING", "This gateway is stopping.");
    const transfer = this.#current;
    if (transfer) this.#abandon(transfer, error);
    for (const bridge of this.#queue.splice(0)) bridge.drop(error);
    this.#listener.stop();
  }

  #advance(): void {
    if (this.#current) return;
    const bridge = this.#queue.shift();
    if (!bridge) return;
    const transfer: Transfer = {
      bridge,
      plain: new SocketStream(),
      connected: false,
      accepted: false,
      timer: undefined,
    };
    this.#current = transfer;
    transfer.timer = setTimeout(
      () => this.#fail(transfer, new Error("no answer")),
      this.options.timeoutMs ?? TIMEOUT_MS,
    );
    Bun.connect<SocketStream | undefined>({
      unix: this.#listener.unix,
      allowHalfOpen: true,
      socket: {
        ...streamEvents,
        open: (socket) => {
          if (this.#current !== transfer) return socket.terminate();
          socket.data = transfer.plain;
          transfer.plain.open(socket);
          transfer.connected = true;
          this.#finish(transfer);
        },
        connectError: (_socket, error) => this.#fail(transfer, error),
      },
    }).catch((error: unknown) => this.#fail(transfer, error));
  }

  #finish(transfer: Transfer): void {
    if (!transfer.accepted || !transfer.connected) return;
    this.#end(transfer);
    transfer.bridge.join(transfer.plain);
    this.#advance();
  }

  #fail(transfer: Transfer, cause: unknown): void {
    if (this.#current !== transfer) return;
    const text = `The inner TLS server could not take a connection: ${describe(cause)}.`;
    const error = new SallyportError("RESOURCE_SHORTAGE", text, { cause });
    this.#abandon(transfer, error);
    this.#replaceListener();
    this.#advance();
  }

  #replaceListener(): void {
    if (this.#closed) return;
    try {
      const next = this.options.listen();
      this.#listener.stop();
      this.#listener = next;
    } catch (cause) {
      const error = new SallyportError("RESOURCE_SHORTAGE", `No socket can be opened: ${describe(cause)}.`, {
        cause,
      });
      for (const bridge of this.#queue.splice(0)) bridge.drop(error);
    }
  }

  #abandon(transfer: Transfer, error: Error): void {
    this.#end(transfer);
    transfer.plain.destroy(error);
    transfer.bridge.drop(error);
  }

  #end(transfer: Transfer): void {
    clearTimeout(transfer.timer);
    this.#current = null;
  }
}

interface Transfer {
  bridge: Bridge;
  plain: SocketStream;
  connected: boolean;
  accepted: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}
