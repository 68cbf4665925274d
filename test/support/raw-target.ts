import { createServer, type Server, type Socket } from "node:net";

/** A TCP server that says what a test wants it to say, and keeps what it hears. */
export class RawTarget {
  /** Everything that came, of all connections. */
  heard = "";
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #changed: () => void = () => {};

  private constructor(serve: (socket: Socket, target: RawTarget) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("data", (chunk: Buffer) => {
        this.heard += chunk.toString("latin1");
        this.#changed();
      });
      serve(socket, this);
    });
  }

  static async open(serve: (socket: Socket, target: RawTarget) => void = () => {}): Promise<RawTarget> {
    const target = new RawTarget(serve);
    await new Promise<void>((resolve) => target.#server.listen(0, "127.0.0.1", resolve));
    return target;
  }

  /** A target that answers every head it hears with the next of these, and with the last one for ever. */
  static answering(...answers: string[]): Promise<RawTarget> {
    return RawTarget.open((socket) => {
      let seen = "";
      socket.on("data", (chunk: Buffer) => {
        seen += chunk.toString("latin1");
        for (let end = seen.indexOf("\r\n\r\n"); end >= 0; end = seen.indexOf("\r\n\r\n")) {
          seen = seen.slice(end + 4);
          socket.write((answers.length > 1 ? answers.shift() : answers[0]) ?? "", "latin1");
        }
      });
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  get open(): number {
    return this.#sockets.size;
  }

  /** Waits for what was heard to match. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.heard)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    return this.heard;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
