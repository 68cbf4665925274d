import { expect, test } from "bun:test";
import fc from "fast-check";
import { SshAuthority } from "../../../../src/pki/ssh-authority.ts";
import { SshReader, SshWriter } from "../../../../src/pki/ssh-wire.ts";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { ALGORITHMS } from "../../../../src/tunnel/ssh/algorithms.ts";
import { extInfoMessage } from "../../../../src/tunnel/ssh/ext-info.ts";
import { Group14 } from "../../../../src/tunnel/ssh/group14.ts";
import { Identification } from "../../../../src/tunnel/ssh/identification.ts";
import { DEFAULT_LIMITS } from "../../../../src/tunnel/ssh/limits.ts";
import { assertSsh2 } from "../../../../src/tunnel/ssh/reach-ins.ts";
import { RekeyPolicy } from "../../../../src/tunnel/ssh/rekey.ts";
import { echo } from "../../../support/byte-stream.ts";
import { FakeTimers, turns } from "../../../support/fake-timers.ts";
import {
  connectedPair,
  hostAuthority,
  issueIdentity,
  PRINCIPAL,
  startPair,
  type TestIdentity,
  type UnconnectedPair,
} from "../../../support/ssh-pair.ts";
import { StreamProbe } from "../../../support/stream-probe.ts";
import { until } from "../../../support/until.ts";

const SECOND = 1000;

test("ssh2 is the version, and has the shape, that the transport was written for", () => {
  assertSsh2();
  expect(() => assertSsh2("1.18.0")).toThrow("it is version 1.18.0");
});

test("group14: both ends get the same secret, and values out of range are refused", () => {
  const [a, b] = [new Group14(), new Group14()];
  expect(a.computeSecret(b.publicKey)).toEqual(b.computeSecret(a.publicKey));
  expect(a.publicKey).toHaveLength(256);
  expect(a.publicKey).not.toEqual(b.publicKey);
  const prime = a.prime;
  const bytes = (value: bigint) => Buffer.from(value.toString(16).padStart(512, "0"), "hex");
  for (const value of [0n, 1n, prime - 1n, prime, prime + 1n]) {
    expect(() => a.computeSecret(bytes(value))).toThrow("out of range");
  }
  expect(() => a.computeSecret(Buffer.alloc(0))).toThrow("out of range");
  expect(() => a.computeSecret(Buffer.alloc(400, 1))).toThrow("out of range");
  expect(a.computeSecret(bytes(prime - 2n))).toHaveLength(256);
});

test("group14 agrees with a plain modular exponentiation", () => {
  const group = new Group14();
  // With the exponents of another pair unknown, g^x * g^y = g^(x+y) still holds for secrets of products.
  const two = Buffer.concat([Buffer.alloc(255), Buffer.of(2)]);
  expect(group.computeSecret(two)).toEqual(group.publicKey);
  const four = Buffer.concat([Buffer.alloc(255), Buffer.of(4)]);
  const x = BigInt(`0x${group.publicKey.toString("hex")}`);
  expect(BigInt(`0x${group.computeSecret(four).toString("hex")}`)).toBe((x * x) % group.prime);
});

/** What Infisical's gateways offer (PROTOCOL 0.2). */
const INFISICAL = {
  kex: ["diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512"],
  ciphers: ["aes128-ctr", "aes192-ctr", "aes256-ctr"],
  macs: ["hmac-sha2-256", "hmac-sha2-512"],
};

test("200 gateways with Infisical's algorithms at once log in within the grace", async () => {
  const limits = { loginGraceMs: 60_000 };
  const before = process.cpuUsage();
  const pairs = Array.from({ length: 200 }, () => startPair({ algorithms: INFISICAL, limits }));
  const clients = await Promise.all(pairs.map(({ client }) => client));
  expect(clients).toHaveLength(200);
  // Both ends, on one core of which others may take their share.
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(DEFAULT_LIMITS.loginGraceMs);
  for (const client of clients) client.disconnect(11, "done");
});

test("a server that gives up between its NEWKEYS and the client's says nothing that can't be read", async () => {
  const timers = new FakeTimers();
  const pair = startPair({ timers });
  let writes = 0;
  // Its identification, KEXINIT and half of the exchange arrive; NEWKEYS is on its way for too long.
  pair.clientSocket.tap = (sent) => (writes++ < 3 ? sent : null);
  const client = outcome(pair);
  await until(() => writes > 3);
  await timers.advance(DEFAULT_LIMITS.loginGraceMs);
  expect(String(await client)).toContain("The relay closed the SSH connection before the login was over.");
});

test("every key exchange, cipher and MAC that is offered carries data and new keys", async () => {
  const names = (list: (keyof typeof ALGORITHMS)[]) =>
    list.flatMap((kind) => ALGORITHMS[kind].map((name) => ({ ...ALGORITHMS, [kind]: [name] })));
  const withMac = names(["macs"]).map((algorithms) => ({ ...algorithms, ciphers: ["aes128-ctr"] }));
  for (const algorithms of [...names(["kex", "ciphers"]), ...withMac]) {
    const limits = { rekeyBytes: 200_000 };
    const { server } = await connectedPair({ algorithms, limits, onChannel: (r) => echo(r.accept()) });
    const probe = new StreamProbe(await server.openChannel("x", Buffer.alloc(0)));
    const sent = await probe.send(1_000_000);
    probe.stream.end();
    expect(await probe.closed).toBeNull();
    expect(probe.hash.digest("hex")).toBe(sent);
    server.disconnect(11, "done");
  }
});

test("EXT_INFO lists plain signature names, separated, without SHA-1", () => {
  const reader = new SshReader(extInfoMessage(), 1);
  expect([reader.uint32(), reader.latin1()]).toEqual([1, "server-sig-algs"]);
  const names = reader.latin1().split(",");
  expect(names).toContain("rsa-sha2-256");
  expect(names).toContain("rsa-sha2-512");
  expect(names).toContain("ecdsa-sha2-nistp256");
  expect(names).toContain("ssh-ed25519");
  expect(names).not.toContain("ssh-rsa");
  reader.end();
});

/** A plaintext packet, as before the first keys. */
function packet(payload: Buffer): Buffer {
  const padding = 8 - ((payload.length + 5) % 8) + 8;
  const writer = new SshWriter().uint32(payload.length + padding + 1).byte(padding);
  return writer.raw(payload).raw(Buffer.alloc(padding)).toBuffer();
}

const ignore = packet(new SshWriter().byte(2).string("x").toBuffer());

/** Lets the man in the middle add `bytes` behind the n-th thing that this end writes. */
function injectAfter(
  pair: UnconnectedPair,
  end: "clientSocket" | "serverSocket",
  write: number,
  bytes: Buffer,
): void {
  let writes = 0;
  pair[end].tap = (sent) => (writes++ === write ? Buffer.concat([sent, bytes]) : sent);
}

/** Between the identification line and KEXINIT. */
function injectBeforeKexInit(
  pair: UnconnectedPair,
  end: "clientSocket" | "serverSocket",
  bytes: Buffer,
): void {
  let done = false;
  pair[end].tap = (sent) => {
    if (done) return sent;
    done = true;
    const line = sent.indexOf("\n") + 1;
    return Buffer.concat([sent.subarray(0, line), bytes, sent.subarray(line)]);
  };
}

async function outcome(pair: UnconnectedPair): Promise<unknown> {
  return pair.client.then(
    () => "connected",
    (error: unknown) => error,
  );
}

test("B10 Terrapin: a packet slipped in before or during the first key exchange ends the connection", async () => {
  for (const end of ["clientSocket", "serverSocket"] as const) {
    const before = startPair();
    injectBeforeKexInit(before, end, ignore);
    expect(await outcome(before)).toBeInstanceOf(SallyportError);
    for (const write of [0, 1]) {
      const during = startPair();
      injectAfter(during, end, write, ignore);
      expect(await outcome(during)).toBeInstanceOf(SallyportError);
    }
  }
});

test("B10 packets without a message are refused during the key exchange", async () => {
  const pair = startPair();
  injectAfter(pair, "clientSocket", 0, packet(Buffer.alloc(0)));
  expect(await outcome(pair)).toBeInstanceOf(SallyportError);
  await until(() => pair.serverTransport.closed);
});

test("B10 packet lengths 0, 1, 2^31 and 2^32-1 end the connection before any keys", async () => {
  for (const length of [0, 1, 7, 35_001, 2 ** 31, 2 ** 32 - 1]) {
    const pair = startPair();
    const bad = Buffer.alloc(64);
    bad.writeUInt32BE(length);
    injectBeforeKexInit(pair, "clientSocket", bad);
    expect(await outcome(pair)).toBeInstanceOf(SallyportError);
    await until(() => pair.serverTransport.closed);
  }
});

test("B1 random bytes instead of KEXINIT, or a damaged one, end the connection", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.boolean(),
      fc.nat(250),
      async (bytes, replace, at) => {
        const pair = startPair();
        let writes = 0;
        pair.clientSocket.tap = (sent) => {
          if (writes++ !== 1) return sent;
          expect(sent[5]).toBe(20);
          if (replace) return packet(Buffer.concat([Buffer.of(20), bytes]));
          const copy = Buffer.from(sent);
          copy.set(bytes.subarray(0, copy.length - at), at);
          return copy;
        };
        // A length that grew leaves the server waiting for the rest, until the login grace is over.
        const result = await Promise.race([outcome(pair), turns(12).then(() => "waiting")]);
        expect(typeof result === "string" || result instanceof SallyportError).toBe(true);
        pair.clientTransport.disconnect(11, "done");
      },
    ),
    { numRuns: 150 },
  );
});

test("B1 an identification line in pieces, too long, or missing", () => {
  const pieces = (peer: "server" | "client", text: string) => {
    const identification = new Identification(peer);
    let found: Buffer | null = null;
    for (const byte of Buffer.from(text, "latin1")) found ??= identification.push(Buffer.of(byte));
    return found?.toString("latin1") ?? null;
  };
  expect(pieces("client", "SSH-2.0-x\r\n")).toBe("SSH-2.0-x\r\n");
  expect(pieces("server", "Welcome\r\nto SSH-land\nSSH-2.0-x\r\n")).toBe("SSH-2.0-x\r\n");
  expect(new Identification("client").push(Buffer.from("SSH-2.0-x\nmore"))?.toString()).toBe(
    "SSH-2.0-x\nmore",
  );
  expect(() => pieces("client", "GET / HTTP/1.1\r\n")).toThrow("no identification line");
  expect(() => pieces("client", `SSH-2.0-${"x".repeat(300)}`)).toThrow("more than 255 bytes");
  expect(() => pieces("server", "x\n".repeat(10_000))).toThrow("no identification line");
  expect(() => pieces("server", "x".repeat(20_000))).toThrow("no identification line");
});

test("B1 random first bytes never do more than end the connection", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 80 }), { maxLength: 4 }),
      async (chunks) => {
        const { serverTransport, client, clientTransport } = startPair();
        client.catch(() => null);
        for (const chunk of chunks) serverTransport.feed(Buffer.from(chunk));
        serverTransport.feed(Buffer.from("SSH-2.0-x\r\n"));
        for (const chunk of chunks) serverTransport.feed(Buffer.from(chunk));
        clientTransport.disconnect(11, "done");
        serverTransport.disconnect(11, "done");
        await turns(2);
      },
    ),
    { numRuns: 100 },
  );
});

test("B10 a Curve25519 value of low order is refused", async () => {
  const pair = startPair();
  let writes = 0;
  pair.clientSocket.tap = (sent) => {
    if (writes++ !== 2) return sent;
    expect(sent[5]).toBe(30);
    return packet(new SshWriter().byte(30).string(Buffer.alloc(32)).toBuffer());
  };
  expect(await outcome(pair)).toBeInstanceOf(SallyportError);
});

interface Clock {
  now: Date;
}

/** A pair whose keys change when told to: by data, with a limit of 1 MB. */
async function rekeyingPair(clock: Clock, hosts: () => TestIdentity[], hostAuthorities?: () => Buffer[]) {
  const pair = await connectedPair({
    limits: { rekeyBytes: 1024 * 1024 },
    now: () => clock.now,
    hosts,
    ...(hostAuthorities && { hostAuthorities }),
    onChannel: (request) => echo(request.accept()),
  });
  const ends: (SallyportError | null)[] = [];
  pair.client.onClosed((error) => ends.push(error));
  const rekey = async () => {
    const probe = new StreamProbe(await pair.server.openChannel("x", Buffer.alloc(0)));
    await probe.send(2 * 1024 * 1024);
    probe.stream.end();
    return probe.closed;
  };
  return { ...pair, ends, rekey };
}

test("a host certificate that was accepted once is accepted at a rekey after its end", async () => {
  const clock = { now: new Date() };
  const host = await issueIdentity(hostAuthority, "host", {
    validBefore: new Date(Date.now() + 60 * SECOND),
  });
  const pair = await rekeyingPair(clock, () => [host]);
  clock.now = new Date(Date.now() + 3600 * SECOND);
  expect(await pair.rekey()).toBeNull();
  expect(pair.ends).toEqual([]);
  pair.client.disconnect(11, "done");
});

test("the newest host certificate is presented, and checked, at a rekey", async () => {
  const clock = { now: new Date() };
  let hosts = [await issueIdentity(hostAuthority, "host")];
  const pair = await rekeyingPair(clock, () => hosts);
  hosts = [await issueIdentity(hostAuthority, "host", { principals: ["other", PRINCIPAL] })];
  expect(await pair.rekey()).toBeNull();
  expect(pair.ends).toEqual([]);
  hosts = [await issueIdentity(hostAuthority, "host", { principals: ["other"] })];
  expect(await pair.rekey()).not.toBeNull();
  await until(() => pair.ends.length === 1);
  expect(pair.ends[0]).toMatchObject({ code: "HOST_CERTIFICATE_REFUSED" });
});

test("F7 a rekey goes by the authorities that are trusted by then", async () => {
  const [clock, next] = [{ now: new Date() }, await SshAuthority.generate()];
  let hosts = [await issueIdentity(hostAuthority, "host")];
  let trusted = [hostAuthority.publicBlob];
  const pair = await rekeyingPair(
    clock,
    () => hosts,
    () => trusted,
  );
  hosts = [await issueIdentity(next, "host")];
  trusted = [next.publicBlob];
  expect(await pair.rekey()).toBeNull();
  hosts = [await issueIdentity(hostAuthority, "host")];
  expect(await pair.rekey()).not.toBeNull();
  await until(() => pair.ends.length === 1);
  expect(pair.ends[0]).toMatchObject({ code: "HOST_CERTIFICATE_REFUSED" });
});

test("keys are worn out by bytes in either direction and by time", () => {
  let now = 0;
  const policy = new RekeyPolicy({ rekeyBytes: 1000, rekeyMs: 60_000 }, () => now);
  policy.changed({ received: 5000, sent: 10 });
  expect(policy.wornByBytes({ received: 5999, sent: 1009 })).toBe(false);
  expect(policy.wornByBytes({ received: 5000, sent: 1010 })).toBe(true);
  expect(policy.wornByBytes({ received: 6000, sent: 10 })).toBe(true);
  now = 59_999;
  expect(policy.wornByTime()).toBe(false);
  now = 60_000;
  expect(policy.wornByTime()).toBe(true);
});

test("B10 a peer that changes keys again and again is cut, one that sends data meanwhile is not", () => {
  const policy = new RekeyPolicy({ rekeyBytes: 1e9, rekeyMs: 1e9 }, () => 0);
  const busy = { received: 0, sent: 0 };
  for (let i = 0; i < 100; i++) {
    busy.received += 1024 * 1024;
    expect(policy.peerMayStart(busy)).toBe(true);
    policy.changed({ ...busy });
  }
  const allowed = Array.from({ length: 30 }, () => policy.peerMayStart(busy));
  expect(allowed.filter(Boolean)).toHaveLength(20);
});
