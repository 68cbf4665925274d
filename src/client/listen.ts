import type { Socket } from "bun";
import { asSallyportError, describe, SallyportError, systemCode } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { observed } from "../tunnel/observed.ts";
import { pump } from "../tunnel/pump.ts";
import { SocketStream, streamEvents } from "../tunnel/socket.ts";
import { halfCloseable } from "./held-end.ts";
import type { OpenedTunnel } from "./tunnel.ts";

export interface LocalPortOptions {
  hostname: string;
  /** 0 takes a free one. */
  port: number;
  /** Called once for each local connection. */
  open: () => Promise<OpenedTunnel>;
  log: Logger;
  /** A tunnel could not be opened, or broke. The local connection has been reset. */
  onError?: (error: SallyportError) => void;
}

export interface LocalPort {
  port: number;
  /** Local connections at present, those whose tunnel is being opened included. */
  connections(): number;
  /** Stops listening, gives what runs 5 s to end, then cuts it. Safe to call twice. */
  close(): Promise<void>;
}

/** Tunnels that may be opening at once; a local connection beyond that is reset. */
const OPENING_LIMIT = 256;
const KEEPALIVE_MS = 30_000;
const DRAIN_MS = 5000;
/** How long a program may go on sending after the far side has closed for good. */
const LINGER_MS = 30_000;

/**
 * A local port whose connections each get a tunnel of their own.
 * @throws SallyportError PORT_IN_USE, CONFIG_INVALID
 */
export async function listenLocal(options: LocalPortOptions): Promise<LocalPort> {
  return new Forwarder(options);
}

class Forwarder implements LocalPort {
  readonly #options: LocalPortOptions;
  readonly #listener: Bun.TCPSocketListener<SocketStream | undefined>;
  readonly #running = new Map<SocketStream, Promise<void>>();
  #opening = 0;
  #closing: Promise<void> | undefined;

  constructor(options: LocalPortOptions) {
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
    if (this.#opening >= OPENING_LIMIT) {
      const text = `More than ${OPENING_LIMIT} tunnels are being opened at once; try again.`;
      this.#report(new SallyportError("RESOURCE_SHORTAGE", text));
      return socket.terminate();
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    const local = new SocketStream();
    socket.data = local;
    local.open(socket);
    this.#running.set(
      local,
      this.#serve(local).finally(() => this.#running.delete(local)),
    );
  }

  async #serve(local: SocketStream): Promise<void> {
    const { log } = this.#options;
    this.#opening++;
    let tunnel: OpenedTunnel;
    try {
      tunnel = await this.#options.open();
    } catch (error) {
      const failure = asSallyportError(error, "INTERNAL", "The tunnel could not be opened");
      this.#report(failure);
      return local.destroy(failure);
    } finally {
      this.#opening--;
    }
    log.debug("Tunnel opened", {
      milliseconds: Math.round(tunnel.connectMs),
      gatewaySerial: tunnel.gatewaySerial,
    });
    const { forward, backward, error, broken } = await join(local, tunnel);
    log.debug("Tunnel closed", {
      bytesUp: forward,
      bytesDown: backward,
      cause: error ? describe(error) : "ended",
    });
    if (broken) this.#report(asSallyportError(broken, "TLS_FAILED", "The tunnel broke"));
  }

  #report(error: SallyportError): void {
    this.#options.log.warn("Connection failed", { code: error.code, reason: error.message });
    this.#options.onError?.(error);
  }

  async #drain(): Promise<void> {
    this.#listener.stop();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, DRAIN_MS);
    await Promise.race([Promise.all(this.#running.values()), late]);
    clearTimeout(timer);
    for (const local of this.#running.keys()) local.destroy(new Error("closing"));
  }
}

/**
 * Carries bytes until both are over; a local program that never ends its side does not hold a tunnel that is gone.
 * `broken` is the tunnel's own failure, null where the local program went away.
 */
async function join(local: SocketStream, tunnel: OpenedTunnel) {
  let linger: ReturnType<typeof setTimeout> | undefined;
  let broken: Error | null = null;
  const far = observed(halfCloseable(tunnel), (handler) => ({
    closed(error) {
      if (!local.error) broken = error;
      linger = setTimeout(() => local.destroy(), LINGER_MS);
      handler.closed(error);
    },
  }));
  const result = await pump(local, far);
  clearTimeout(linger);
  return { ...result, broken };
}

function listen(
  { hostname, port }: LocalPortOptions,
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
      const text = `Port ${port} on ${hostname} is taken; choose another one with --listen, 0 takes a free one.`;
      throw new SallyportError("PORT_IN_USE", text, { cause });
    }
    throw new SallyportError("CONFIG_INVALID", `Cannot listen on ${hostname}:${port}: ${describe(cause)}.`, {
      cause,
    });
  }
}
