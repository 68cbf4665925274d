import type { Socket, TLSOptions } from "bun";
import { release } from "../tunnel/release.ts";

/** Longest request line of the raw protocol. */
const LINE_LIMIT = 64;
/** Most bytes that one request may ask for. */
const TRANSFER_LIMIT = 2 ** 40;
const BLOCK = Buffer.alloc(256 * 1024, "sallyport ");

export interface DemoService {
  /** HTTP: `GET /` a greeting, `GET /bytes/<n>` n bytes, `POST /sink` the number of bytes sent. */
  port: number;
  /** The raw protocol, see `listenRaw`. */
  rawPort: number;
  close(): void;
}

/** A private service to reach through a tunnel: for `quickstart` to show and for the benchmark to measure. */
export function startDemoService(listen: { hostname: string; port: number }): DemoService {
  const http = Bun.serve({ ...listen, idleTimeout: 0, fetch: answer });
  const raw = listenRaw(listen.hostname);
  return {
    port: http.port ?? listen.port,
    rawPort: raw.port,
    close() {
      void http.stop(true);
      raw.stop(true);
    },
  };
}

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const bytes = /^\/bytes\/(\d{1,13})$/.exec(pathname)?.[1];
  if (pathname === "/") return new Response("Hello from a private service behind Sallyport.\n");
  if (bytes !== undefined && Number(bytes) <= TRANSFER_LIMIT) {
    return new Response(source(Number(bytes)), { headers: { "content-length": bytes } });
  }
  if (pathname === "/sink" && request.method === "POST") {
    let received = 0;
    for await (const chunk of request.body ?? []) received += chunk.length;
    return Response.json({ received });
  }
  return new Response("Not found.\n", { status: 404 });
}

function source(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      const size = Math.min(left, BLOCK.length);
      left -= size;
      if (size > 0) controller.enqueue(new Uint8Array(BLOCK.subarray(0, size)));
      if (left === 0) controller.close();
    },
  });
}

interface RawState {
  line: string;
  mode: "line" | "echo" | "sink" | "source";
  /** Bytes still to be received (sink) or sent (source). */
  left: number;
  /** Echoed bytes that the kernel did not take. */
  queue: Buffer[];
  ending: boolean;
}

/**
 * One line, then bytes, on a loopback port:
 * `ECHO\n` gives back whatever follows · `SINK <n>\n` reads n bytes, then answers `K` and ends ·
 * `SOURCE <n>\n` sends n bytes and ends. Anything else closes the connection. With `tls` all of it is inside TLS.
 */
export function listenRaw(hostname: string, tls?: TLSOptions) {
  return Bun.listen<RawState>({
    hostname,
    port: 0,
    allowHalfOpen: true,
    ...(tls === undefined ? {} : { tls }),
    socket: {
      open(socket) {
        socket.data = { line: "", mode: "line", left: 0, queue: [], ending: false };
        socket.setNoDelay(true);
      },
      data: receive,
      drain: flush,
      end(socket) {
        if (socket.data.mode === "sink" || socket.data.mode === "line") return socket.terminate();
        if (socket.data.mode === "echo") finish(socket);
      },
      error(socket) {
        socket.terminate();
      },
    },
  });
}

function receive(socket: Socket<RawState>, chunk: Buffer): void {
  const state = socket.data;
  if (state.mode === "line") {
    const rest = readLine(state, chunk);
    if (rest === undefined) return socket.terminate();
    flush(socket);
    if (rest.length > 0) receive(socket, rest);
  } else if (state.mode === "echo") {
    state.queue.push(chunk);
    flush(socket);
  } else if (state.mode === "sink") {
    state.left -= chunk.length;
    release(chunk);
    if (state.left > 0) return;
    state.queue.push(Buffer.from("K"));
    finish(socket);
  }
}

/** What follows the line, empty while it is incomplete, undefined when it makes no sense. */
function readLine(state: RawState, chunk: Buffer): Buffer | undefined {
  const newline = chunk.indexOf(10);
  state.line += chunk.toString("latin1", 0, newline < 0 ? chunk.length : newline);
  if (state.line.length > LINE_LIMIT) return undefined;
  if (newline < 0) return Buffer.alloc(0);
  const match = /^(ECHO|SINK|SOURCE)(?: (\d{1,13}))?$/.exec(state.line);
  const left = Number(match?.[2] ?? 0);
  if (!match || left > TRANSFER_LIMIT || (match[1] !== "ECHO" && match[2] === undefined)) return undefined;
  state.mode = match[1] === "ECHO" ? "echo" : match[1] === "SINK" ? "sink" : "source";
  state.left = left;
  return chunk.subarray(newline + 1);
}

function finish(socket: Socket<RawState>): void {
  socket.data.ending = true;
  flush(socket);
}

function flush(socket: Socket<RawState>): void {
  const state = socket.data;
  for (let head = state.queue[0]; head; head = state.queue[0]) {
    const sent = socket.write(head);
    if (sent < 0) return;
    if (sent < head.length) {
      state.queue[0] = head.subarray(sent);
      if (state.mode === "echo") socket.pause();
      return;
    }
    state.queue.shift();
  }
  if (state.mode === "echo") socket.resume();
  if (state.mode === "source") {
    while (state.left > 0) {
      const size = Math.min(state.left, BLOCK.length);
      const sent = socket.write(BLOCK, 0, size);
      if (sent < 0) return;
      state.left -= sent;
      if (sent < size) return;
    }
    state.ending = true;
  }
  if (state.ending) socket.end();
}
