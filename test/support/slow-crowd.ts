import { connect } from "node:net";
import { parseArgs } from "node:util";

/**
 * A crowd of peers that never get anywhere, as a program for a network namespace: half of them say nothing, the others
 * begin as an honest peer does and then send a byte a second. Whoever is cut comes back at once. Prints "ready" when all
 * are on their way and "all were cut" when that has happened to each of them; on SIGTERM `{"opened", "cut"}`.
 */
const { values } = parseArgs({
  options: {
    host: { type: "string" },
    /** `ssh:2222`, `tls:8443`, `http:8080`. */
    port: { type: "string", multiple: true },
    count: { type: "string" },
    /** The first two numbers of the addresses that they have, one each, or the address that they all have. */
    from: { type: "string" },
  },
});
const { host = "", from = "", port: ports = [] } = values;
const count = Number(values.count);
const total = { opened: 0, cut: 0 };
const wereCut = new Set<number>();
const AGAIN_MS = 50;

const POST = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

/** The first bytes of the four kinds. */
const BEGINNINGS: Record<string, Buffer[]> = {
  // The identification line without its end, and with it.
  ssh: [Buffer.from("SSH-2.0-slow"), Buffer.from("SSH-2.0-slow\r\n"), Buffer.alloc(0), Buffer.alloc(0)],
  // A TLS record with a ClientHello of 508 bytes, and its header alone.
  tls: [
    Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
    Buffer.from([0x16, 3, 1, 2, 0]),
    Buffer.alloc(0),
    Buffer.alloc(0),
  ],
  // A head without its end, with a body of a known length, of an unknown one, and a request line without its end.
  http: [
    Buffer.from("GET /api/status HTTP/1.1\r\nHost: x\r\nX-Slow: "),
    Buffer.from(`${POST}Content-Length: 1000\r\n\r\n{`),
    Buffer.from(`${POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{"`),
    Buffer.from("GET /api/status?"),
  ],
};

function addressOf(i: number): string {
  return from.split(".").length === 4 ? from : `${from}.${i >> 8}.${i & 255 || 255}`;
}

function come(i: number): void {
  const [kind = "", port] = (ports[i % ports.length] ?? "").split(":");
  const beginning = BEGINNINGS[kind]?.[(i >> 1) % 4] ?? Buffer.alloc(0);
  const socket = connect({ host, port: Number(port), localAddress: addressOf(i) });
  let drip: ReturnType<typeof setInterval> | undefined;
  let opened = false;
  socket.on("error", () => {});
  socket.on("connect", () => {
    opened = true;
    total.opened++;
    if (beginning.length === 0) return;
    socket.write(beginning);
    drip = setInterval(() => socket.write("x"), 1000);
  });
  socket.on("close", () => {
    clearInterval(drip);
    if (opened) leave(i);
    setTimeout(come, AGAIN_MS, i);
  });
  socket.resume();
}

function leave(i: number): void {
  total.cut++;
  if (wereCut.has(i)) return;
  wereCut.add(i);
  if (wereCut.size === count) process.stdout.write("all were cut\n");
}

for (let i = 0; i < count; i++) come(i);
process.stdout.write("ready\n");
process.on("SIGTERM", () => process.stdout.write(`${JSON.stringify(total)}\n`, () => process.exit(0)));
