import { afterAll, beforeAll, expect, test } from "bun:test";
import { type DemoService, startDemoService } from "../../../src/commands/demo-service.ts";

let service: DemoService;
beforeAll(() => {
  service = startDemoService({ hostname: "127.0.0.1", port: 0 });
});
afterAll(() => service.close());

const url = (path: string) => `http://127.0.0.1:${service.port}${path}`;

test("the demo service greets, serves any number of bytes and counts what it is sent", async () => {
  expect(await (await fetch(url("/"))).text()).toContain("Hello");
  expect((await (await fetch(url("/bytes/3000001"))).arrayBuffer()).byteLength).toBe(3_000_001);
  const sent = await fetch(url("/sink"), { method: "POST", body: Buffer.alloc(1_000_003) });
  expect(await sent.json()).toEqual({ received: 1_000_003 });
  expect((await fetch(url("/bytes/99999999999999"))).status).toBe(404);
});

test("the raw protocol echoes, sinks and sources bytes, half-close included", async () => {
  const payload = Buffer.alloc(3_000_000, "0123456789abcdef");
  expect(await exchange("ECHO\n", payload, payload.length)).toEqual(payload);
  expect(await exchange(`SINK ${payload.length}\n`, payload, 1)).toEqual(Buffer.from("K"));
  expect((await exchange("SOURCE 5000000\n", Buffer.alloc(0), 5_000_000)).length).toBe(5_000_000);
});

test("the raw protocol closes on a line that makes no sense", async () => {
  for (const line of ["NOPE\n", "SOURCE\n", "SINK 99999999999999\n", "x".repeat(100)]) {
    expect(await exchange(line, Buffer.alloc(0), 1)).toEqual(Buffer.alloc(0));
  }
});

/** Sends the line and the payload, ends its direction once `expected` bytes are back, and returns them all. */
function exchange(line: string, payload: Buffer, expected: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    let size = 0;
    let unsent = Buffer.concat([Buffer.from(line), payload]);
    const push = (socket: { write(data: Buffer): number }) => {
      unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
    };
    Bun.connect({
      hostname: "127.0.0.1",
      port: service.rawPort,
      allowHalfOpen: true,
      socket: {
        open: push,
        drain: push,
        data(socket, chunk) {
          received.push(chunk);
          size += chunk.length;
          if (size === expected) socket.shutdown();
        },
        end: (socket) => void socket.end(),
        close: () => resolve(Buffer.concat(received)),
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  });
}
