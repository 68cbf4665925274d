import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { HostPort } from "../../host/address.ts";
import type { Code } from "../../telemetry/codes.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { PulledStream } from "../../tunnel/pulled-stream.ts";
import { split } from "../../tunnel/release.ts";

/** What a program has to know to use the proxy. */
export interface Login {
  username: string;
  password: string;
}

const VERSION = 5;
/** A program that speaks the older version takes this for a refusal. */
const SOCKS4 = { version: 4, refused: Buffer.from([0, 91, 0, 0, 0, 0, 0, 0]) } as const;
const METHOD = { none: 0, login: 2, nothingFits: 255 } as const;
const LOGIN_VERSION = 1;
const CONNECT = 1;
const ADDRESS = { v4: 1, name: 3, v6: 4 } as const;

/** RFC 1928, 6. */
export const REPLY = {
  granted: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  commandUnknown: 7,
  addressUnknown: 8,
} as const;

const REPLIES: Partial<Record<Code, number>> = {
  TARGET_DENIED: REPLY.notAllowed,
  FORBIDDEN: REPLY.notAllowed,
  UNAUTHENTICATED: REPLY.notAllowed,
  CERTIFICATE_REFUSED: REPLY.notAllowed,
  SESSION_ENDED: REPLY.notAllowed,
  GATEWAY_REVOKED: REPLY.notAllowed,
  RELAY_UNREACHABLE: REPLY.networkUnreachable,
  PLATFORM_UNREACHABLE: REPLY.networkUnreachable,
  GATEWAY_NOT_CONNECTED: REPLY.networkUnreachable,
  TARGET_UNRESOLVED: REPLY.hostUnreachable,
  TARGET_TIMEOUT: REPLY.hostUnreachable,
  NOT_FOUND: REPLY.hostUnreachable,
  TARGET_REFUSED: REPLY.refused,
};

/** The program did not get as far as to name a target; it has been told with `reply`, if that means anything to it. */
export class SocksRefusal extends SallyportError {
  constructor(
    readonly reply: Buffer | null,
    text: string,
  ) {
    super("REQUEST_INVALID", text);
    this.name = "SocksRefusal";
  }
}

/**
 * Speaks SOCKS5 (RFC 1928) with a program up to its CONNECT, with user name and password (RFC 1929) where a login is
 * demanded. What it has sent beyond that stays in the stream.
 * @param deadline for all of it, on the clock of `performance.now`
 * @throws SocksRefusal; SallyportError TIMEOUT; why the stream broke
 */
export async function acceptSocks(
  local: PulledStream,
  login: Login | undefined,
  deadline: number,
): Promise<HostPort> {
  const take = (count: number) => takeBytes(local, count, deadline);
  const [version = 0, methods = 0] = await take(2);
  if (version !== VERSION) {
    const reply = version === SOCKS4.version ? SOCKS4.refused : null;
    throw new SocksRefusal(reply, "A program does not speak SOCKS5 to the SOCKS5 port: set it to SOCKS5.");
  }
  await agreeOnMethod(local, await take(methods), login, take);
  const [again, command, reserved, kind = 0] = await take(4);
  if (again !== VERSION || reserved !== 0) throw refusal(REPLY.failure, "A program sent no SOCKS5 request.");
  const host = await readHost(kind, take);
  const port = (await take(2)).readUInt16BE();
  if (command !== CONNECT) {
    throw refusal(
      REPLY.commandUnknown,
      "Only CONNECT is served: neither BIND nor UDP goes through a gateway.",
    );
  }
  if (port === 0) throw refusal(REPLY.failure, "Port 0 can't be reached.");
  return { host, port };
}

/** What answers a request; the address is that of nobody. */
export function socksReply(reply: number): Buffer {
  return Buffer.from([VERSION, reply, 0, ADDRESS.v4, 0, 0, 0, 0, 0, 0]);
}

/** The reply for why a target can't be reached. */
export function replyFor(code: Code): number {
  return REPLIES[code] ?? REPLY.failure;
}

type Take = (count: number) => Promise<Buffer>;

async function agreeOnMethod(
  local: PulledStream,
  methods: Buffer,
  login: Login | undefined,
  take: Take,
): Promise<void> {
  const wanted = login ? METHOD.login : METHOD.none;
  if (!methods.includes(wanted)) {
    const how = login ? "a user name and password" : "no login";
    throw new SocksRefusal(Buffer.of(VERSION, METHOD.nothingFits), `A program does not offer ${how}.`);
  }
  await local.write(Buffer.of(VERSION, wanted));
  if (!login) return;
  const [version = 0, length = 0] = await take(2);
  const username = await take(length);
  const password = await take((await take(1))[0] ?? 0);
  const fits = [isEqual(username, login.username), isEqual(password, login.password)];
  if (version !== LOGIN_VERSION || fits.includes(false)) {
    throw new SocksRefusal(Buffer.of(LOGIN_VERSION, 1), "A program has another user name or password.");
  }
  await local.write(Buffer.of(LOGIN_VERSION, 0));
}

async function readHost(kind: number, take: Take): Promise<string> {
  if (kind === ADDRESS.v4) return (await take(4)).join(".");
  if (kind === ADDRESS.v6) return formatV6(await take(16));
  if (kind !== ADDRESS.name)
    throw refusal(REPLY.addressUnknown, "A program sent an unknown kind of address.");
  const length = (await take(1))[0] ?? 0;
  const name = (await take(length)).toString("latin1").replace(/^\[(.*)\]$/, "$1");
  if (!isHost(name)) throw refusal(REPLY.hostUnreachable, "A program asks for what is no host name.");
  return name;
}

/** A name of the DNS, or an address that was sent as one. */
export function isHost(text: string): boolean {
  return (
    isIP(text) !== 0 || (/^[a-zA-Z0-9_]([a-zA-Z0-9_.-]*[a-zA-Z0-9_.])?$/.test(text) && text.length <= 253)
  );
}

function formatV6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

/** Takes the same time whatever the difference. */
export function isEqual(given: Buffer, expected: string): boolean {
  const digest = (value: Buffer | string) => createHash("sha256").update(value).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function refusal(reply: number, text: string): SocksRefusal {
  return new SocksRefusal(socksReply(reply), text);
}

async function takeBytes(local: PulledStream, count: number, deadline: number): Promise<Buffer> {
  let taken = Buffer.alloc(0);
  while (taken.length < count) {
    const chunk = await local.read(deadline - performance.now());
    if (!chunk)
      throw new SocksRefusal(null, "A program closed its connection before it had asked for anything.");
    const [part, rest] = split(chunk, Math.min(count - taken.length, chunk.length));
    taken = Buffer.concat([taken, part]);
    local.consumed(part.length);
    local.unread(rest);
  }
  return taken;
}
