import { rmSync } from "node:fs";
import type { Socket } from "bun";
import { z } from "zod";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import { SocketStream } from "../../tunnel/socket.ts";
import type { ByteStream } from "../../tunnel/stream.ts";
import type { OuterConnection } from "../serve-client.ts";

/** The header's length, then the header: JSON. What follows are the client's bytes, decrypted. */
const LENGTH_BYTES = 4;
/** Names of a certificate fit many times over. */
const HEADER_LIMIT = 16 * 1024;
const HEADER_MS = 5_000;

const header = z.object({
  peer: z.object({ commonName: z.string(), organisation: z.string(), serial: z.string() }),
  alpn: z.string().nullable(),
  remoteAddress: z.string(),
});

/**
 * Gives a client that came in here to the worker that holds its gateway. Sockets can't be passed to another process, so
 * the bytes go through this one: decrypted already, over a unix socket that nobody else may open.
 * @returns the stream towards that worker. @throws SallyportError CONNECTION_LOST when it does not listen any more
 */
export async function dialHandOver(
  path: string,
  { peer, alpn, remoteAddress }: OuterConnection,
): Promise<ByteStream> {
  const { commonName, organisation, serial } = peer;
  const text = JSON.stringify({ peer: { commonName, organisation, serial }, alpn, remoteAddress });
  const head = Buffer.alloc(LENGTH_BYTES + Buffer.byteLength(text));
  head.writeUInt32BE(head.length - LENGTH_BYTES);
  head.write(text, LENGTH_BYTES);
  const stream = new SocketStream();
  try {
    const socket = await Bun.connect({
      unix: path,
      allowHalfOpen: true,
      socket: {
        data: (_, chunk) => stream.onData(chunk),
        drain: () => stream.onDrain(),
        end: () => stream.onEnd(),
        close: (_, error) => stream.onClose(error),
        error: (_, error) => stream.onError(error),
      },
    });
    stream.open(socket);
    if (socket.write(head) === head.length) return stream;
    throw new Error("it does not read");
  } catch (cause) {
    stream.destroy();
    const message = `The worker that holds the gateway can't be reached: ${describe(cause)}.`;
    throw new SallyportError("GATEWAY_NOT_CONNECTED", message, { cause });
  }
}

/** Takes clients that other workers hand over. The path is in a directory of mode 0700. Close it to remove the socket. */
export function listenForHandOvers(
  path: string,
  take: (client: OuterConnection) => void,
  log: Logger,
): { close(): void } {
  rmSync(path, { force: true });
  const refuse = (socket: Socket<Arrival>, error: unknown) => {
    log.error("A client that was handed over makes no sense", { reason: describe(error) });
    socket.terminate();
  };
  const listener = Bun.listen<Arrival>({
    unix: path,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        socket.data = new Arrival(() => socket.terminate());
      },
      data(socket, chunk) {
        const { data: arrival } = socket;
        if (arrival.stream) return arrival.stream.onData(chunk);
        try {
          const client = arrival.take(chunk);
          if (!client) return;
          const stream = new SocketStream();
          arrival.stream = stream;
          stream.open(socket);
          if (client.rest.length > 0) stream.onData(client.rest);
          take({ ...client.header, stream });
        } catch (error) {
          refuse(socket, error);
        }
      },
      drain: ({ data }) => data.stream?.onDrain(),
      end(socket) {
        if (socket.data.stream) socket.data.stream.onEnd();
        else socket.terminate();
      },
      close({ data }, error) {
        data.over();
        data.stream?.onClose(error);
      },
      error: ({ data }, error) => data.stream?.onError(error),
    },
  });
  return {
    close() {
      listener.stop();
      rmSync(path, { force: true });
    },
  };
}

/** A connection from another worker, whose header may not be whole yet. */
class Arrival {
  stream: SocketStream | undefined;
  #bytes = Buffer.alloc(0);
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(cut: () => void) {
    this.#timer = setTimeout(cut, HEADER_MS);
  }

  /** @returns undefined while the header is not whole. @throws when it is none */
  take(chunk: Buffer): { header: z.infer<typeof header>; rest: Buffer } | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length < LENGTH_BYTES) return undefined;
    const end = LENGTH_BYTES + this.#bytes.readUInt32BE();
    if (end > HEADER_LIMIT) throw new Error("its header is too long");
    if (this.#bytes.length < end) return undefined;
    this.over();
    const text = this.#bytes.toString("utf8", LENGTH_BYTES, end);
    return { header: header.parse(JSON.parse(text)), rest: Buffer.from(this.#bytes.subarray(end)) };
  }

  over(): void {
    clearTimeout(this.#timer);
  }
}
