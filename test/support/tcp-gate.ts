import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * A TCP forwarder on loopback that can be shut: what goes through is cut, and nothing new gets through. Frozen it cuts
 * nothing and passes nothing on, as a machine that vanished.
 */
export class TcpGate {
  readonly #sockets = new Set<Socket>();
  #open = true;
  #frozen = false;
  /** When requests for the event stream came through, by `performance.now()`. */
  readonly streams: number[] = [];

  private constructor(
    readonly port: number,
    private readonly server: Server,
    private readonly target: number,
  ) {}

  static async open(target: number): Promise<TcpGate> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const gate = new TcpGate(typeof address === "object" && address ? address.port : 0, server, target);
    server.on("connection", (socket) => gate.#forward(socket));
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  shut(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  reopen(): void {
    this.#open = true;
  }

  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** New connections get through; those that were frozen stay silent. */
  thaw(): void {
    this.#frozen = false;
  }

  async close(): Promise<void> {
    this.shut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  #forward(socket: Socket): void {
    if (!this.#open) return void socket.destroy();
    const onward = connect({ port: this.target, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("data", (chunk: Buffer) => {
      if (chunk.toString("latin1", 0, 64).startsWith("GET /api/v1/events"))
        this.streams.push(performance.now());
    });
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => one.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
      if (this.#frozen) one.pause();
    }
  }
}
