import { expect, test } from "bun:test";
import { Duplex } from "node:stream";
import { connect } from "node:tls";
import fc from "fast-check";
import { offeredProtocols } from "../../../../src/tunnel/tls/client-hello.ts";

/** The first record of a real client. */
function hello(ALPNProtocols: string[], servername = ""): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        resolve(Buffer.from(chunk));
        done();
      },
    });
    const options = { socket: wire, servername, rejectUnauthorized: false };
    connect(ALPNProtocols.length > 0 ? { ...options, ALPNProtocols } : options).on("error", () => {});
  });
}

test.each([
  ["nothing", []],
  ["one", ["sallyport-relay/2"]],
  ["several, in their order", ["h2", "sallyport-relay/1", "http/1.1"]],
])("a client that offers %s", async (_what, offer) => {
  expect(offeredProtocols(await hello(offer))).toEqual(offer);
  expect(offeredProtocols(await hello(offer, "relay.example"))).toEqual(offer);
});

test("B1 any bytes, and a hello that is cut or damaged anywhere, offer something or nothing", async () => {
  const whole = await hello(["h2", "sallyport-relay/1"]);
  for (let length = 0; length < whole.length; length++) offeredProtocols(whole.subarray(0, length));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
      const damaged = Buffer.from(whole);
      damaged[at] = value;
      return Array.isArray(offeredProtocols(damaged));
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (bytes) => offeredProtocols(Buffer.from(bytes)).length < 300,
    ),
  );
});
