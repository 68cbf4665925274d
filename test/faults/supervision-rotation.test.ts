import { afterEach, beforeEach, expect, test } from "bun:test";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { type Network, startNetwork } from "../support/network.ts";
import { Workspace } from "../support/workspace.ts";

/** Between two rotations, besides the time that issuing takes. */
const PAUSE_MS = 2000;
const LEAST_TTL_SECONDS = 10;
/** A certificate lives so many rotations long, however busy the machine is. */
const ROTATIONS_PER_LIFE = 4;

let space: Workspace;
let network: Network;
let target: Server;

beforeEach(async () => {
  space = await Workspace.open("supervision-rotation");
  target = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  space.defer(() => target.close());
  network = await startNetwork(space, { relayFlags: ["--log-level", "debug"] });
});
afterEach(() => space.close());

/** A connection on which a counter goes out and has to come back, again and again. */
class Stream {
  echoes = 0;
  failure: string | undefined;
  readonly #socket: Socket;
  #expected = "";
  #received = "";
  #closing = false;

  constructor(port: number) {
    this.#socket = createConnection({ host: "127.0.0.1", port });
    this.#socket.setEncoding("latin1");
    this.#socket.on("connect", () => this.#next());
    this.#socket.on("data", (chunk) => this.#heard(String(chunk)));
    this.#socket.on("error", (error) => this.#over(error.message));
    this.#socket.on("close", () => this.#over("closed"));
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #next(): void {
    if (this.#closing) return;
    this.#received = "";
    this.#expected = `${this.echoes}:${"x".repeat(10_000)};`;
    this.#socket.write(this.#expected);
  }

  #heard(chunk: string): void {
    this.#received += chunk;
    if (!this.#expected.startsWith(this.#received)) return this.#over("other bytes came back");
    if (this.#received.length < this.#expected.length) return;
    this.echoes++;
    setTimeout(() => this.#next(), 50);
  }

  #over(why: string): void {
    if (!this.#closing) this.failure ??= why;
  }
}

test("F6 certificates of relay and gateway rotate every few seconds under load: no stream is dropped, none refused", async () => {
  const address = target.address();
  if (address === null || typeof address === "string") throw new Error("no target");
  const { port } = await network.forward(`127.0.0.1:${address.port}`);
  const long = Array.from({ length: 5 }, () => new Stream(port));
  const brief: Stream[] = [];
  let stop = false;
  const opening = (async () => {
    while (!stop) {
      const stream = new Stream(port);
      brief.push(stream);
      await Bun.sleep(300);
    }
  })();

  const began = performance.now();
  await network.reissue();
  const rotation = PAUSE_MS + performance.now() - began;
  const seconds = Math.max(LEAST_TTL_SECONDS, Math.ceil((ROTATIONS_PER_LIFE * rotation) / 1000));
  // Until the first of the short-lived ones has expired.
  const end = performance.now() + (seconds + 2) * 1000;
  while (performance.now() < end) {
    await network.reissue(`${seconds}s`);
    await Bun.sleep(PAUSE_MS);
  }
  const sessions = network.relay.stderr.text.match(/Gateway connected/g)?.length ?? 0;
  const before = [...long, ...brief].map(({ echoes }) => echoes);
  await Bun.sleep(1500);
  stop = true;
  await opening;
  expect(
    [...long, ...brief].map(({ failure }) => failure).filter((failure) => failure !== undefined),
  ).toEqual([]);
  // Every stream still moves, those of the first session too.
  const after = [...long, ...brief].map(({ echoes }) => echoes);
  expect(before.filter((count, index) => (after[index] ?? 0) <= count)).toEqual([]);
  expect(sessions).toBeGreaterThanOrEqual(3);
  expect(network.gateway.stderr.text).not.toContain("GATEWAY_DUPLICATE");
  expect(network.gateway.stderr.text).not.toContain("tunnel is lost");
  for (const stream of [...long, ...brief]) stream.close();
}, 240_000);
