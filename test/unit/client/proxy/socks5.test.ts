import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ProxyPortOptions } from "../../../../src/client/proxy/port.ts";
import { listenSocks5 } from "../../../../src/client/proxy/socks5-port.ts";
import type { Code } from "../../../../src/telemetry/codes.ts";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { LocalProxy } from "../../../support/local-proxy.ts";
import { RawTarget } from "../../../support/raw-target.ts";

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function proxy(options: Partial<ProxyPortOptions> & { failure?: SallyportError } = {}): LocalProxy {
  const opened = new LocalProxy(listenSocks5, options);
  closers.push(() => opened.close());
  return opened;
}

async function echo(): Promise<number> {
  const target = await RawTarget.open((socket) => {
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("end", () => socket.end("bye"));
  });
  closers.push(() => target.close());
  return target.port;
}

const NO_LOGIN = "\u0005\u0001\u0000";
const CHOSEN = "\u0005\u0000";
const tail = "\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000";
const reply = (code: number) => `\u0005${String.fromCharCode(code)}${tail}`;
const portBytes = (port: number) => String.fromCharCode(port >> 8, port & 255);
const named = (name: string, port: number, command = 1) =>
  `\u0005${String.fromCharCode(command)}\u0000\u0003${String.fromCharCode(name.length)}${name}${portBytes(port)}`;

describe("a program", () => {
  test("that asks for a name gets it from the far side, with what it sent ahead", async () => {
    const port = await echo();
    const local = proxy();
    const program = await local.program(`${NO_LOGIN}${named("db.internal", port)}ahead`);
    expect(await program.until(17)).toBe(`${CHOSEN}${reply(0)}ahead`);
    program.stream.end();
    expect(await program.untilEnd()).toEndWith("aheadbye");
    expect(local.asked).toEqual([{ host: "db.internal", port }]);
  });

  test.each<[string, string, string]>([
    ["an IPv4 address", "\u0001\u000a\u0000\u0000\u0005", "10.0.0.5"],
    ["an IPv6 address", `\u0004\u0020\u0001\u000d\u00b8${"\u0000".repeat(11)}\u0001`, "2001:db8::1"],
    [
      "a mapped IPv4 address",
      `\u0004${"\u0000".repeat(10)}\u00ff\u00ff\u007f\u0000\u0000\u0001`,
      "::ffff:7f00:1",
    ],
    ["an IPv6 address as a name", "\u0003\u0003::1", "::1"],
    ["the same in brackets", "\u0003\u0005[::1]", "::1"],
  ])("may name %s", async (_name, address, host) => {
    const port = await echo();
    const local = proxy();
    const program = await local.program(`${NO_LOGIN}\u0005\u0001\u0000${address}${portBytes(port)}`);
    expect(await program.until(12)).toBe(`${CHOSEN}${reply(0)}`);
    expect(local.asked).toEqual([{ host, port }]);
  });

  test("may send one byte at a time", async () => {
    const port = await echo();
    const program = await proxy().program();
    for (const byte of `${NO_LOGIN}${named("a", port)}xyz`) {
      program.write(byte);
      await Bun.sleep(1);
    }
    expect(await program.until(15)).toBe(`${CHOSEN}${reply(0)}xyz`);
  });
});

describe("what is refused, with the reply of RFC 1928", () => {
  test.each<[string, string, string]>([
    [
      "SOCKS4",
      "\u0004\u0001\u0000\u0050\u007f\u0000\u0000\u0001\u0000",
      "\u0000[\u0000\u0000\u0000\u0000\u0000\u0000",
    ],
    ["HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""],
    ["TLS", "\u0016\u0003\u0001\u0002\u0000\u0001", ""],
    ["no methods at all", "\u0005\u0000", "\u0005\u00ff"],
    ["only methods that we lack", "\u0005\u0002\u0001\u0080", "\u0005\u00ff"],
    ["BIND", `${NO_LOGIN}${named("a", 80, 2)}`, `${CHOSEN}${reply(7)}`],
    ["UDP", `${NO_LOGIN}${named("a", 80, 3)}`, `${CHOSEN}${reply(7)}`],
    ["an unknown command", `${NO_LOGIN}${named("a", 80, 9)}`, `${CHOSEN}${reply(7)}`],
    [
      "an unknown kind of address",
      `${NO_LOGIN}\u0005\u0001\u0000\u0002aaaa\u0000\u0050`,
      `${CHOSEN}${reply(8)}`,
    ],
    [
      "another version in the request",
      `${NO_LOGIN}\u0004\u0001\u0000\u0001aaaa\u0000\u0050`,
      `${CHOSEN}${reply(1)}`,
    ],
    ["an empty name", `${NO_LOGIN}${named("", 80)}`, `${CHOSEN}${reply(4)}`],
    ["a name of 255 bytes", `${NO_LOGIN}${named("a".repeat(255), 80)}`, `${CHOSEN}${reply(4)}`],
    ["a name with a line feed", `${NO_LOGIN}${named("a\nb", 80)}`, `${CHOSEN}${reply(4)}`],
    ["a name with a NUL", `${NO_LOGIN}${named("a\u0000.b", 80)}`, `${CHOSEN}${reply(4)}`],
    ["a name with a slash", `${NO_LOGIN}${named("http://a", 80)}`, `${CHOSEN}${reply(4)}`],
    ["port 0", `${NO_LOGIN}${named("a", 0)}`, `${CHOSEN}${reply(1)}`],
  ])("%s", async (_name, says, heard) => {
    const local = proxy();
    const program = await local.program(says);
    expect(await program.untilEnd()).toBe(heard);
    expect(local.asked).toEqual([]);
    expect(local.errors).toMatchObject([{ code: "REQUEST_INVALID", message: expect.stringMatching(/\.$/) }]);
  });

  test.each<[Code, number]>([
    ["TARGET_DENIED", 2],
    ["FORBIDDEN", 2],
    ["SESSION_ENDED", 2],
    ["GATEWAY_NOT_CONNECTED", 3],
    ["RELAY_UNREACHABLE", 3],
    ["TARGET_UNRESOLVED", 4],
    ["TARGET_TIMEOUT", 4],
    ["NOT_FOUND", 4],
    ["TARGET_REFUSED", 5],
    ["INTERNAL", 1],
  ])("a target for %s", async (code, number) => {
    const local = proxy({ failure: new SallyportError(code, "No.") });
    const program = await local.program(`${NO_LOGIN}${named("a", 80)}`);
    expect(await program.untilEnd()).toBe(`${CHOSEN}${reply(number)}`);
    expect(local.errors).toMatchObject([{ code }]);
  });
});

describe("with a login", () => {
  const login = { username: "ann", password: "s3cret" };
  const shown = (user: string, password: string) =>
    `\u0001${String.fromCharCode(user.length)}${user}${String.fromCharCode(password.length)}${password}`;

  test("who shows it gets through", async () => {
    const port = await echo();
    const program = await proxy({ login }).program(
      `\u0005\u0002\u0000\u0002${shown("ann", "s3cret")}${named("a", port)}x`,
    );
    expect(await program.until(15)).toBe(`\u0005\u0002\u0001\u0000${reply(0)}x`);
  });

  test.each<[string, string, string]>([
    ["shows none", "\u0005\u0001\u0000", "\u0005\u00ff"],
    ["shows another password", `\u0005\u0001\u0002${shown("ann", "s3cres")}`, "\u0005\u0002\u0001\u0001"],
    ["shows another name", `\u0005\u0001\u0002${shown("bob", "s3cret")}`, "\u0005\u0002\u0001\u0001"],
    ["shows nothing in both", "\u0005\u0001\u0002\u0001\u0000\u0000", "\u0005\u0002\u0001\u0001"],
  ])("who %s does not", async (_name, says, heard) => {
    const local = proxy({ login });
    expect(await (await local.program(says)).untilEnd()).toBe(heard);
    expect(local.asked).toEqual([]);
  });
});

describe("hostile programs", () => {
  test("B5 one that says nothing, or not enough, is cut in time", async () => {
    const local = proxy({ greetingMs: 30 });
    for (const says of ["", "\u0005", "\u0005\u0001", `${NO_LOGIN}\u0005\u0001\u0000\u0003\u00ff`]) {
      const program = await local.program(says);
      await program.untilEnd();
      program.stream.end();
    }
    while (local.connections > 0) await Bun.sleep(1);
    expect(local.errors.map(({ code }) => code)).toEqual(Array(4).fill("TIMEOUT"));
  });

  test("no more connections than allowed; the others go on", async () => {
    const port = await echo();
    const local = proxy({ limit: 3 });
    const programs = [];
    for (let count = 0; count < 3; count++) {
      const program = await local.program(`${NO_LOGIN}${named("a", port)}`);
      await program.until(12);
      programs.push(program);
    }
    const surplus = await local.program(NO_LOGIN);
    expect(await surplus.untilEnd()).toBe("");
    expect(local.errors).toMatchObject([{ code: "RESOURCE_SHORTAGE" }]);
    programs[0]?.write("still");
    expect(await programs[0]?.until(17)).toEndWith("still");
  });

  test("B1 whatever they say, each gets an end and the proxy serves the next", async () => {
    const port = await echo();
    const local = proxy();
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array).toString("latin1")),
      fc.string({ maxLength: 20 }).map((text) => `${NO_LOGIN}\u0005\u0001\u0000${text}`),
      fc.nat(255).map((kind) => `${NO_LOGIN}\u0005\u0001\u0000${String.fromCharCode(kind)}`),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (says) => {
        const program = await local.program(says);
        program.stream.end();
        await program.untilEnd();
      }),
      { numRuns: 100 },
    );
    const program = await local.program(`${NO_LOGIN}${named("a", port)}alive`);
    expect(await program.until(17)).toEndWith("alive");
  });

  test("one that goes away while its tunnel is opened leaves no tunnel behind", async () => {
    const target = await RawTarget.open();
    closers.push(() => target.close());
    const local = proxy();
    for (let count = 0; count < 5; count++) {
      const program = await local.program(`${NO_LOGIN}${named("a", target.port)}`);
      program.stream.destroy();
    }
    while (local.asked.length > 0 && (local.connections > 0 || target.open > 0)) await Bun.sleep(1);
  });
});
