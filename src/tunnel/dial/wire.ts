import { isIP } from "node:net";
import type { Socket, TLSOptions } from "bun";
import { SallyportError } from "../../telemetry/error.ts";

/** Who speaks on a wire now. */
export interface WireReceiver {
  /** Bytes from the far end; they belong to the receiver. */
  data(chunk: Buffer): void;
  /** The kernel takes bytes again. */
  drained(): void;
  /** The far end has ended its direction. */
  ended(): void;
  /** The socket is gone. Once, and nothing follows. */
  closed(error?: Error): void;
}

export interface WireTarget {
  /** An address, not a name. */
  address: string;
  port: number;
  /** TLS from the first byte on; the certificate has to pass, and to fit `name`. */
  tls?: { name: string; authorities: string[] } | undefined;
}

/** Silence after which TCP itself asks whether the far machine is there; milliseconds. */
const TCP_KEEPALIVE_MS = 30_000;

/**
 * A connected socket that can change hands: a proxy's handshake has it first, then what is spoken through the proxy.
 * Between two receivers it does not read; what came already is kept, in order.
 */
export class Wire {
  readonly #opened = Promise.withResolvers<Wire>();
  #socket: Socket<Wire> | null = null;
  #receiver: WireReceiver | null = null;
  #unread: Buffer[] = [];
  #ended = false;
  #closed: { error: Error | undefined } | null = null;

  /** Connects; rejects with the system's error, or TLS_UNTRUSTED. The wire is to be closed by whoever gets it. */
  static connect(target: WireTarget): Promise<Wire> {
    const wire = new Wire();
    const { address: hostname, port, tls } = target;
    const connecting = Bun.connect<Wire>({
      hostname,
      port,
      allowHalfOpen: true,
      data: wire,
      socket: tls ? tlsEvents(tls.name) : plainEvents,
      ...(tls ? { tls: tlsOptions(tls) } : {}),
    });
    connecting.catch((error: unknown) => wire.#opened.reject(error));
    return wire.#opened.promise;
  }

  /** For writing. @throws SallyportError INTERNAL before the wire is connected */
  get socket(): Socket<Wire> {
    if (this.#socket) return this.#socket;
    throw new SallyportError("INTERNAL", "A connection was used before it was there.");
  }

  get remoteAddress(): string {
    return this.#socket?.remoteAddress ?? "";
  }

  /** From now on this receiver is told, first what nobody has read yet. */
  attach(receiver: WireReceiver): void {
    this.#receiver = receiver;
    for (const chunk of this.#unread.splice(0)) receiver.data(chunk);
    if (this.#ended) receiver.ended();
    if (this.#closed) receiver.closed(this.#closed.error);
    else this.#socket?.resume();
  }

  /** Ends the receiver's turn. What it has read too much goes to the next one. */
  detach(surplus: Buffer): void {
    this.#receiver = null;
    if (surplus.length > 0) this.#unread.unshift(surplus);
    if (!this.#closed) this.#socket?.pause();
  }

  close(): void {
    this.#socket?.terminate();
  }

  /** Called by the socket, like what follows. */
  connected(socket: Socket<Wire>): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    if (!this.#receiver) socket.pause();
    this.#opened.resolve(this);
  }

  failed(error: Error): void {
    this.#opened.reject(error);
  }

  heard(chunk: Buffer): void {
    if (this.#receiver) this.#receiver.data(chunk);
    else this.#unread.push(chunk);
  }

  drained(): void {
    this.#receiver?.drained();
  }

  peerEnded(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#receiver?.ended();
  }

  gone(error?: Error): void {
    if (this.#closed) return;
    this.#closed = { error };
    this.#opened.reject(error ?? new Error("the connection was closed at once"));
    this.#receiver?.closed(error);
  }
}

const plainEvents: Bun.SocketHandler<Wire> = {
  open: (socket) => socket.data.connected(socket),
  data: (socket, chunk) => socket.data.heard(chunk),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.peerEnded(),
  close: (socket, error) => socket.data.gone(error),
  error: (socket, error) => socket.data.gone(error),
};

/** Connected is what has passed the handshake; Bun says `ok` also to certificates that are not trusted. */
function tlsEvents(name: string): Bun.SocketHandler<Wire> {
  return {
    ...plainEvents,
    open() {},
    handshake(socket, ok, error) {
      const flaw = ok && !error && socket.authorized ? nameFlaw(socket, name) : error;
      if (flaw === undefined) return socket.data.connected(socket);
      socket.data.failed(untrusted(name, flaw));
      socket.terminate();
    },
  };
}

function nameFlaw(socket: Socket<Wire>, name: string): Error | undefined {
  const certificate = socket.getPeerX509Certificate();
  const fits =
    isIP(name) === 0 ? certificate.checkHost(name, { subject: "never" }) : certificate.checkIP(name);
  return fits === undefined ? new Error("it is for another name") : undefined;
}

function untrusted(name: string, cause: Error | null): SallyportError {
  const why = cause?.message ?? "the handshake failed";
  const message = `The certificate of ${name} is not trusted (${why}): give its authority with --ca-file.`;
  return new SallyportError("TLS_UNTRUSTED", message, { cause });
}

function tlsOptions({ name, authorities }: { name: string; authorities: string[] }): TLSOptions {
  return { ca: authorities, serverName: name, rejectUnauthorized: true };
}
