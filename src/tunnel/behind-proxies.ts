import type { Socket, SocketHandler } from "bun";
import type { Logger } from "../telemetry/log.ts";
import { ProxyHeaderInvalid, readProxyHeader } from "./proxy-header.ts";

/** A listener's events; who connects is told apart from the socket, whose other end may be a load balancer. */
export interface Acceptor<D> {
  open(socket: Socket<D>, remoteAddress: string): void;
  data(socket: Socket<D>, chunk: Buffer): void;
  drain(socket: Socket<D>): void;
  end?(socket: Socket<D>): void;
  /** Also for sockets that were never told of. */
  close(socket: Socket<D>, error?: Error): void;
  error(socket: Socket<D>, error: Error): void;
}

export interface ProxyRule {
  /** Load balancers: they must send a PROXY header first, and nobody else may. */
  isProxy: (remoteAddress: string) => boolean;
  /** From accept to the end of the header. */
  timeoutMs: number;
  log: Logger;
}

/** Connections whose header is awaited, at most; the oldest makes room. */
const MOST_AWAITED = 1000;
const COMPLAIN_EACH_MS = 60_000;

/**
 * The stage in front of a listener that takes the PROXY header off, where one is due: what is behind it sees the address
 * of who really connects, and the bytes that follow. A header that is malformed, too long or late cuts the connection.
 */
export function behindProxies<D>(acceptor: Acceptor<D>, rule: ProxyRule | undefined): SocketHandler<D> {
  const direct = (socket: Socket<D>) => acceptor.open(socket, socket.remoteAddress);
  if (!rule) return { ...acceptor, open: direct };
  const awaited = new Map<Socket<D>, Awaited>();
  const complain = complainer(rule.log);
  const settle = (socket: Socket<D>) => {
    awaited.get(socket)?.stop();
    awaited.delete(socket);
  };
  const cut = (socket: Socket<D>, reason: string) => {
    settle(socket);
    complain(socket.remoteAddress, reason);
    socket.terminate();
  };
  return {
    open(socket) {
      if (!rule.isProxy(socket.remoteAddress)) return direct(socket);
      awaited.set(socket, new Awaited(rule.timeoutMs, () => cut(socket, "it did not come in time")));
      const [oldest] = awaited.keys();
      if (oldest && awaited.size > MOST_AWAITED) cut(oldest, "too many are awaited");
    },
    data(socket, chunk) {
      const header = awaited.get(socket);
      if (!header) return acceptor.data(socket, chunk);
      try {
        const found = header.take(chunk);
        if (!found) return;
        settle(socket);
        acceptor.open(socket, found.address ?? socket.remoteAddress);
        if (found.rest.length > 0) acceptor.data(socket, found.rest);
      } catch (error) {
        if (!(error instanceof ProxyHeaderInvalid)) throw error;
        cut(socket, error.message);
      }
    },
    drain: (socket) => acceptor.drain(socket),
    end(socket) {
      if (awaited.has(socket)) cut(socket, "the connection ended before it");
      else acceptor.end?.(socket);
    },
    close(socket, error) {
      settle(socket);
      acceptor.close(socket, error);
    },
    error(socket, error) {
      settle(socket);
      acceptor.error(socket, error);
    },
  };
}

/** A connection whose header is not whole yet. */
class Awaited {
  #bytes = Buffer.alloc(0);
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(timeoutMs: number, late: () => void) {
    this.#timer = setTimeout(late, timeoutMs);
  }

  /** @throws ProxyHeaderInvalid */
  take(chunk: Buffer): { address: string | undefined; rest: Buffer } | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const header = readProxyHeader(this.#bytes);
    return header && { address: header.address, rest: Buffer.from(this.#bytes.subarray(header.length)) };
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** One line a minute: a load balancer that is set up wrongly tries again and again. */
function complainer(log: Logger): (address: string, reason: string) => void {
  let quietUntil = 0;
  return (address, reason) => {
    const now = performance.now();
    const level = now < quietUntil ? "debug" : "warn";
    if (level === "warn") quietUntil = now + COMPLAIN_EACH_MS;
    log[level]("A connection of a load balancer was cut over its PROXY header", { address, reason });
  };
}
