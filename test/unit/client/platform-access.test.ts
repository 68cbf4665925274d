import { afterEach, beforeEach, expect, setSystemTime, test } from "bun:test";
import { PlatformAccess } from "../../../src/client/platform-access.ts";
import type { Access } from "../../../src/platform-client/calls/access.ts";
import { PlatformClient } from "../../../src/platform-client/client.ts";
import type { Code } from "../../../src/telemetry/codes.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const hop = { clientCertificate: "", serverCertificateChain: "" };

let pooled: boolean;
/** `failedAccessId` of each request. */
let asked: (string | undefined)[];
let refusal: Code | undefined;

/** Answers each request with the next gateway: g1, g2, ... */
function answer(body: { failedAccessId?: string }): Response {
  if (refusal) return Response.json({ message: "no", code: refusal }, { status: 400 });
  asked.push(body.failedAccessId);
  const n = asked.length;
  const access: Access = {
    accessId: `access-${n}`,
    pool: pooled ? { id: "p", name: "site" } : null,
    ...{ gatewayId: `g${n}`, gatewayName: `g${n}`, relayName: "eu", relayHost: "relay", relayPort: 8443 },
    ...{ relay: hop, gateway: hop, target: { host: "db", port: 5432, kind: "postgres", mode: "tcp" } },
    expiresAt: new Date(Date.now() + 300_000).toISOString(),
  };
  return Response.json(access);
}

function open(): PlatformAccess {
  const client = new PlatformClient({
    domain: "https://platform.example",
    fetch: async (_url, init) => answer(JSON.parse(String(init.body))),
  });
  return new PlatformAccess(client, { resource: "db" });
}

beforeEach(() => {
  pooled = true;
  asked = [];
  refusal = undefined;
  setSystemTime(NOW);
});
afterEach(() => void setSystemTime());

const gatewayOf = async (access: PlatformAccess) => (await access.current()).credentials.gatewayId;

test("without a pool certificates are kept while they last", async () => {
  pooled = false;
  const access = open();
  expect(await gatewayOf(access)).toBe("g1");
  setSystemTime(NOW + 200_000);
  expect(await gatewayOf(access)).toBe("g1");
  setSystemTime(NOW + 241_000);
  expect(await gatewayOf(access)).toBe("g2");
});

test("F4 after a clock was set back new certificates are asked for, because those at hand are not valid yet", async () => {
  pooled = false;
  const access = open();
  expect(await gatewayOf(access)).toBe("g1");
  setSystemTime(NOW - 3_600_000);
  expect(await gatewayOf(access)).toBe("g2");
  expect(await gatewayOf(access)).toBe("g2");
});

test("behind a pool each connection asks where to go; those of one moment go together", async () => {
  const access = open();
  expect(await Promise.all([gatewayOf(access), gatewayOf(access)])).toEqual(["g1", "g1"]);
  setSystemTime(NOW + 100);
  expect(await gatewayOf(access)).toBe("g1");
  setSystemTime(NOW + 300);
  expect(await gatewayOf(access)).toBe("g2");
});

test.each<Code>(["PLATFORM_ERROR", "RATE_LIMITED", "DATABASE_UNAVAILABLE"])(
  "behind a pool %s leaves what the platform said before, while it lasts",
  async (code) => {
    const access = open();
    await access.current();
    refusal = code;
    setSystemTime(NOW + 60_000);
    expect(await gatewayOf(access)).toBe("g1");
    setSystemTime(NOW + 241_000);
    await expect(access.current()).rejects.toMatchObject({ code });
  },
);

test("a refusal is one, whatever was said before", async () => {
  const access = open();
  await access.current();
  refusal = "FORBIDDEN";
  setSystemTime(NOW + 1000);
  await expect(access.current()).rejects.toMatchObject({ code: "FORBIDDEN" });
});

test("what failed is told once, and everybody who failed with it goes where the answer says", async () => {
  const access = open();
  const first = await access.current();
  const seconds = await Promise.all([access.current(first), access.current(first)]);
  expect(seconds.map(({ credentials }) => credentials.gatewayId)).toEqual(["g2", "g2"]);
  expect((await access.current(first)).credentials.gatewayId).toBe("g2");
  expect(asked).toEqual([undefined, "access-1"]);
});

test("without a pool nothing is told of a failure, and new certificates are asked for after 5 s", async () => {
  pooled = false;
  const access = open();
  const first = await access.current();
  expect(await access.current(first)).toBe(first);
  setSystemTime(NOW + 6000);
  expect((await access.current(first)).credentials.gatewayId).toBe("g2");
  expect(asked).toEqual([undefined, undefined]);
});
