import type { Socket } from "bun";
import { descriptors } from "../host/descriptors.ts";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";
import { SocketStream, streamEvents } from "../tunnel/socket.ts";

export interface LocalServerOptions {
  hostname: string;
  /** 0 takes a free one. */
  port: number;
  /** The flag that this address came from, for messages. */
  flag?: string;
  /** Connections at once; a further one is reset. */
  limit?: number;
  /** Serves one connection to its end; never rejects. */
  serve: (connection: LocalConnection) => Promise<void>;
  /** A connection was reset because there are too many. */
  onShortage: (error: SallyportError) => void;
}

export interface LocalConnection {
  stream: SocketStream;
  /** What it asked for is there, or will never be: it is not counted any more among those being opened. */
  settled(): void;
}

export interface LocalPort {
  port: number;
  /** Local connections at present, those whose tunnel is being opened included. */
  connections(): number;
  /** Stops listening, gives what runs 5 s to end, then cuts it. Safe to call twice. */
  close(): Promise<void>;
}

/** Connections that may be opening at once; one beyond that is reset. */
const OPENING_LIMIT = 256;
const KEEPALIVE_MS = 30_000;
const DRAIN_MS = 5000;

/** A port for programs on this machine. @throws SallyportError PORT_IN_USE, CONFIG_INVALID */
export function openLocalServer(options: LocalServerOptions): LocalPort {
  return new LocalServer(options);
}

class LocalServer implements LocalPort {
  readonly #options: LocalServerOptions;
  readonly #listener: Bun.TCPSocketListener<SocketStream | undefined>;
  readonly #running = new Map<SocketStream, Promise<void>>();
  #opening = 0;
  #closing: Promise<void> | undefined;

  constructor(options: LocalServerOptions) {
    this.#options = options;
    this.#listener = listen(options, (socket) => this.#accept(socket));
  }

  get port(): number {
    return this.#listener.port;
  }

  connections(): number {
    return this.#running.size;
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  #accept(socket: Socket<SocketStream | undefined>): void {
    if (this.#closing !== undefined) return socket.terminate();
    const { serve, onShortage } = this.#options;
    const what = this.#shortage();
    if (what !== undefined) {
      onShortage(new SallyportError("RESOURCE_SHORTAGE", `${what}; try again.`));
      return socket.terminate();
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    const stream = new SocketStream();
    socket.data = stream;
    stream.open(socket);
    this.#opening++;
    let opening = true;
    const settled = () => {
      if (opening) this.#opening--;
      opening = false;
    };
    const over = serve({ stream, settled }).finally(() => {
      settled();
      this.#running.delete(stream);
    });
    this.#running.set(stream, over);
  }

  /** Why no further connection is taken. */
  #shortage(): string | undefined {
    const { limit = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#running.size >= limit) return `${limit} connections are open`;
    if (this.#opening >= OPENING_LIMIT) return `More than ${OPENING_LIMIT} tunnels are being opened at once`;
    return descriptors.refuse() ? "There are no file descriptors left (ulimit -n)" : undefined;
  }

  async #drain(): Promise<void> {
    this.#listener.stop();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, DRAIN_MS);
    await Promise.race([Promise.all(this.#running.values()), late]);
    clearTimeout(timer);
    for (const stream of this.#running.keys()) stream.destroy(new Error("closing"));
  }
}

function listen(
  { hostname, port, flag = "--listen" }: LocalServerOptions,
  open: (socket: Socket<SocketStream | undefined>) => void,
) {
  try {
    return Bun.listen<SocketStream | undefined>({
      hostname,
      port,
      allowHalfOpen: true,
      socket: { ...streamEvents, open },
    });
  } catch (cause) {
    if (systemCode(cause) === "EADDRINUSE") {
      const text = `Port ${port} on ${hostname} is taken; choose another one with ${flag}, 0 takes a free one.`;
      throw new SallyportError("PORT_IN_USE", text, { cause });
    }
    throw new SallyportError("CONFIG_INVALID", `Cannot listen on ${hostname}:${port}: ${describe(cause)}.`, {
      cause,
    });
  }
}
