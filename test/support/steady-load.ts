import { expect } from "bun:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Workspace } from "./workspace.ts";

const HOST = "127.0.0.1";

/** A target on this machine that sends back what it gets. */
export async function echoTarget(workspace: Workspace): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  workspace.defer(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Whether a word comes back on a new connection. */
export function roundTrip(port: number): Promise<boolean> {
  const socket = connect({ host: HOST, port });
  return new Promise((resolve) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("close", () => resolve(false));
    socket.write("hello");
  });
}

/** New connections, one after the other. */
export class SteadyLoad {
  opened = 0;
  readonly failures: string[] = [];
  #stopping = false;
  readonly #over: Promise<void>;

  constructor(private readonly port: number) {
    this.#over = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#over;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const ok = await roundTrip(this.port);
      if (!ok) this.failures.push(`connection ${this.opened} at ${new Date().toISOString()}`);
      this.opened++;
      await Bun.sleep(100);
    }
  }
}

/** One connection that lasts. */
export class LongStream {
  readonly closed: Promise<void>;
  #isClosed = false;
  readonly #socket: Socket;

  private constructor(workspace: Workspace, port: number) {
    this.#socket = connect({ host: HOST, port });
    this.#socket.on("error", () => {});
    workspace.defer(() => this.#socket.destroy());
    this.closed = new Promise((resolve) => this.#socket.once("close", () => resolve()));
    void this.closed.then(() => {
      this.#isClosed = true;
    });
  }

  static async open(workspace: Workspace, port: number): Promise<LongStream> {
    const stream = new LongStream(workspace, port);
    await stream.moves();
    return stream;
  }

  /** A byte goes there and back. */
  async moves(): Promise<void> {
    const back = new Promise<void>((resolve) => this.#socket.once("data", () => resolve()));
    this.#socket.write("x");
    await Promise.race([back, this.closed]);
    expect(this.#isClosed).toBe(false);
  }

  close(): void {
    this.#socket.destroy();
  }
}
