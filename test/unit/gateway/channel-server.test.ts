import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Revocations } from "../../../src/pki/credentials.ts";
import type { Actor } from "../../../src/pki/extensions.ts";
import { generateX509Key } from "../../../src/pki/keys.ts";
import { subject } from "../../../src/pki/subject.ts";
import { ExtendedKeyUsage, ExtendedKeyUsageExtension } from "../../../src/pki/x509.ts";
import type { SallyportError } from "../../../src/telemetry/error.ts";
import { ALPN } from "../../../src/tunnel/alpn.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { GatewayEnd } from "../../support/gateway-end.ts";
import { streamPair } from "../../support/stream-pair.ts";
import { GATEWAY_ID, OTHER_GATEWAY_ID, testPki } from "../../support/test-pki.ts";
import { upperCaseTarget } from "../../support/upper-case-target.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let target: { host: string; port: number };
let closedPort: number;

beforeAll(async () => {
  workspace = await Workspace.open("channel-server");
  target = upperCaseTarget(workspace);
  const gone = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  closedPort = gone.port;
  gone.stop(true);
});
afterAll(() => workspace.close());

const echo = () => target;
const gatewayEnd = (options = {}) => GatewayEnd.open(workspace, options);

describe("a TCP session", () => {
  test("with sallyport-tcp/1 says OK, then carries bytes both ways, each end on its own", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: echo() });
    expect(client.alpn).toBe(ALPN.sallyportTcp);
    expect(await client.until(/\n/)).toBe("OK\n");
    expect(await client.send("question").rest()).toBe("OK\nQUESTION");
    expect(client.error).toBeNull();
  });

  test("with infisical-tcp-proxy carries bytes and nothing else", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: echo() }, [ALPN.tcp]);
    expect(await client.send("hello").rest()).toBe("HELLO");
  });

  test("is logged when it opens and when it closes, with who, what, how much and why, without payload", async () => {
    const gateway = await gatewayEnd();
    const actor: Actor = { type: "user", id: "u-1", name: "Ada" };
    const client = await gateway.connect({ target: echo(), actor, grant: laterGrant() });
    await client.send("secret payload").rest();
    const about = {
      mode: "tcp",
      actor: "user:u-1",
      actorName: "Ada",
      target: `127.0.0.1:${target.port}`,
      grant: "g-1",
    };
    const opened = await gateway.log.next("Session opened");
    expect(opened).toMatchObject({ ...about, serial: expect.stringMatching(/^[1-9a-f][0-9a-f]*$/) });
    expect(await gateway.log.next("Session closed")).toEqual({
      ...opened,
      bytesUp: 14,
      bytesDown: 14,
      milliseconds: expect.any(Number),
      cause: "ENDED",
    });
    expect(JSON.stringify(gateway.log.entries).toLowerCase()).not.toContain("secret");
  });

  test("that is cut off is a lost connection, not a failure of TLS", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: echo() });
    await client.until(/\n/);
    gateway.channels.at(-1)?.destroy();
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: "CONNECTION_LOST" });
  });

  test.each<[string, () => { host: string; port: number }]>([
    ["TARGET_DENIED", () => ({ host: "10.0.0.5", port: 5432 })],
    ["TARGET_DENIED", () => ({ host: "169.254.169.254", port: 80 })],
    ["TARGET_REFUSED", () => ({ host: "127.0.0.1", port: closedPort })],
    ["TARGET_UNRESOLVED", () => ({ host: "no.such.host.invalid", port: 80 })],
    ["TARGET_UNRESOLVED", () => ({ host: "health-check", port: 0 })],
    ["TARGET_UNRESOLVED", () => ({ host: "", port: 80 })],
  ])("whose dial fails says %s, or just ends", async (code, target) => {
    const gateway = await gatewayEnd();
    const told = await gateway.connect({ target: target() });
    expect(await told.rest()).toMatch(new RegExp(`^ERR ${code} .+\n$`));
    expect(told.error).toBeNull();
    const silent = await gateway.connect({ target: target() }, [ALPN.tcp]);
    expect(await silent.rest()).toBe("");
    expect(silent.error).toBeNull();
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: code, bytesUp: 0, bytesDown: 0 });
  });

  test("whose dial fails ends in order, however much the client has sent", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: { host: "10.0.0.5", port: 5432 } });
    for (let i = 0; i < 64; i++) client.send("x".repeat(65_536));
    expect(await client.rest()).toMatch(/^ERR TARGET_DENIED /);
    expect(client.error).toBeNull();
  });

  test("TARGET_DENIED prints the command for the gateway's owner", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: { host: "10.0.0.5", port: 5432 } });
    expect(await client.rest()).toContain("sallyport gateway start gateway-a --allow 10.0.0.5:5432");
  });

  test("keeps what the client sends before the target answers", async () => {
    const answer = Promise.withResolvers<string[]>();
    const gateway = await gatewayEnd({ resolve: () => answer.promise });
    const client = await gateway.connect({ target: { host: "slow.example", port: target.port } });
    client.send("early ").send("words");
    await gateway.log.next("Session opened");
    answer.resolve(["127.0.0.1"]);
    expect(await client.rest()).toBe("OK\nEARLY WORDS");
  });
});

describe("an HTTP session", () => {
  test.each([
    [
      "between our own ends carries the status that fits",
      [ALPN.sallyportHttp, ALPN.http],
      ALPN.sallyportHttp,
      403,
    ],
    ["with a client of Infisical's carries 500", [ALPN.http], ALPN.http, 500],
  ] as const)("%s, and the sentence", async (_name, offered, chosen, status) => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: { host: "10.0.0.5", port: 80 } }, [...offered]);
    expect(client.alpn).toBe(chosen);
    client.send("CONFIG\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const text = await client.until(/\}$/);
    expect(text).toStartWith(`HTTP/1.1 ${status} `);
    expect(text).toContain('"message":"gateway: The gateway\'s owner does not allow 10.0.0.5:80');
    await client.rest();
    expect(client.error).toBeNull();
  });
});

describe("probes", () => {
  test.each([
    [ALPN.ping, "PONG\n"],
    [ALPN.health, '{"status":"ok","heartbeatTTL":180}\n'],
  ])("%s is answered and closed, whatever the target and the policy", async (alpn, reply) => {
    const gateway = await gatewayEnd({ allow: ["10.9.9.9"] });
    for (const target of [{ host: "health-check", port: 443 }, { host: "", port: 0 }, echo()]) {
      const client = await gateway.connect({ target }, [alpn]);
      await client.until(/(?!)/);
      expect(client.text).toBe(reply);
      expect(await client.rest()).toBe(reply);
      expect(client.error).toBeNull();
    }
  });

  test("that hang up as soon as they have their answer count as no lost connection", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: { host: "health-check", port: 443 } }, [ALPN.health]);
    await client.until(/\n/);
    gateway.channels.at(-1)?.destroy();
    expect(await gateway.log.next("Session closed")).toMatchObject({ mode: "health", cause: "ENDED" });
  });

  test("of a platform that offers health, then ping, get health", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: { host: "health-check", port: 443 } }, [
      ALPN.health,
      ALPN.ping,
    ]);
    expect(client.alpn).toBe(ALPN.health);
  });

  test("need no routing extension, other sessions do", async () => {
    const gateway = await gatewayEnd();
    const identity = await bareIdentity(`platform:${GATEWAY_ID}`);
    expect(await (await gateway.connectAs(identity, [ALPN.ping])).rest()).toBe("PONG\n");
    expect(await (await gateway.connectAs(identity)).rest()).toMatch(/^ERR CERTIFICATE_REFUSED .*no target/);
    expect(await (await gateway.connectAs(identity, [ALPN.http])).rest()).toBe("");
  });
});

test("an HTTP session forwards requests to the target of the certificate", async () => {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => new Response(request.url) });
  workspace.defer(() => server.stop(true));
  const gateway = await gatewayEnd();
  const port = server.port ?? 0;
  const client = await gateway.connect({ target: { host: "127.0.0.1", port } }, [ALPN.http]);
  client.send("CONFIG\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(await client.until(/\/a$/)).toEndWith(`http://127.0.0.1:${port}/a`);
  client.send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(await client.until(/\/b$/)).toEndWith(`http://127.0.0.1:${port}/b`);
  await client.rest();
  const closed = await gateway.log.next("Session closed");
  expect(closed).toMatchObject({ mode: "http", bytesUp: 63, bytesDown: client.text.length, cause: "ENDED" });
});

describe("B3 X9 a client certificate", () => {
  test("minted for another gateway of the same organisation is refused", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ gatewayId: OTHER_GATEWAY_ID, target: echo() });
    expect(await client.rest()).toMatch(/^ERR CERTIFICATE_REFUSED .*another gateway/);
    const probe = await gateway.connect({ gatewayId: OTHER_GATEWAY_ID, target: echo() }, [ALPN.ping]);
    expect(await probe.rest()).toBe("");
    expect(gateway.log.entries.some(({ message }) => message === "Session opened")).toBe(false);
  });

  test.each(["platform:", "", GATEWAY_ID, `platform:x${GATEWAY_ID}`, `platform:${GATEWAY_ID}x`])(
    "whose common name is %p is refused",
    async (commonName) => {
      const gateway = await gatewayEnd();
      const client = await gateway.connectAs(await bareIdentity(commonName), [ALPN.ping]);
      expect(await client.rest()).toBe("");
      expect(await gateway.log.next("Session refused")).toMatchObject({ cause: "CERTIFICATE_REFUSED" });
    },
  );

  test("of another organisation does not get through the handshake", async () => {
    const gateway = await gatewayEnd();
    const { gateway: foreign } = await (await testPki("other-organisation")).client({ target: echo() });
    const { gateway: own } = await (await testPki()).client();
    const client = await gateway
      .connectAs({ ...foreign, serverAuthorities: own.serverAuthorities })
      .then((opened) => opened.rest())
      .catch(() => "");
    expect(client).not.toContain("OK");
    expect(gateway.log.entries.some(({ message }) => message === "Session opened")).toBe(false);
  });
});

describe("MODE_UNSUPPORTED", () => {
  test.each([[["infisical-pam-proxy"]], [["infisical-pkcs11", "h2"]], [[]]])(
    "a client that offers only %p is refused",
    async (alpns) => {
      const gateway = await gatewayEnd();
      const outcome = await gateway
        .connect({ target: echo() }, alpns)
        .then((client) => client.send("x").rest())
        .catch((error: SallyportError) => error.code);
      expect(["", "MODE_UNSUPPORTED", "TLS_FAILED"]).toContain(outcome);
      expect(gateway.log.entries.some(({ message }) => message === "Session opened")).toBe(false);
    },
  );

  test("a client that also offers what we serve gets that", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: echo() }, ["infisical-pam-proxy", ALPN.tcp]);
    expect(await client.send("x").rest()).toBe("X");
  });
});

describe("X10 a grant", () => {
  test("that has ended opens nothing", async () => {
    const gateway = await gatewayEnd();
    const grant = { grantId: "g-1", sessionEndsAt: new Date(Date.now() - 1000).toISOString() };
    const client = await gateway.connect({ target: echo(), grant });
    expect(await client.rest()).toMatch(/^ERR SESSION_ENDED /);
  });

  test.each([ALPN.sallyportTcp, ALPN.http])("cuts its live session on %s at its end", async (alpn) => {
    const clock = new FakeClock(Date.now());
    const gateway = await gatewayEnd({ clock });
    const client = await gateway.connect({ target: echo(), grant: laterGrant(3600) }, [alpn]);
    if (alpn === ALPN.sallyportTcp) await client.until(/OK/);
    else await client.send("CONFIG\nGET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n").until(/400/);
    await clock.advance(3590_000);
    expect(client.error).toBeUndefined();
    await clock.advance(30_000);
    await client.closed;
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: "SESSION_ENDED", grant: "g-1" });
  });

  test("cuts within 15 s after a suspend that went past its end", async () => {
    const clock = new FakeClock(Date.now());
    const gateway = await gatewayEnd({ clock });
    const client = await gateway.connect({ target: echo(), grant: laterGrant(30 * 86_400) });
    await client.until(/OK/);
    clock.jump(31 * 86_400_000);
    await clock.advance(15_000);
    await client.closed;
    expect(Math.max(...clock.naps)).toBeLessThanOrEqual(15_000);
  });

  test("cuts a session whose target has not answered yet", async () => {
    const clock = new FakeClock(Date.now());
    const gateway = await gatewayEnd({ clock, resolve: () => new Promise(() => {}) });
    const client = await gateway.connect({
      target: { host: "slow.example", port: 1 },
      grant: laterGrant(3600),
    });
    await gateway.log.next("Session opened");
    await clock.advance(3620_000);
    expect(await client.rest()).toMatch(/^ERR SESSION_ENDED /);
  });

  test("leaves no timer behind when the session ends first", async () => {
    const clock = new FakeClock(Date.now());
    const gateway = await gatewayEnd({ clock });
    const client = await gateway.connect({ target: echo(), grant: laterGrant(3600) });
    await client.rest();
    await gateway.log.next("Session closed");
    expect(clock.sleeping).toBe(0);
  });
});

describe("a revoked certificate", () => {
  const revoke = (o: { serials?: string[]; gatewayIds?: string[] }): Revocations => ({
    serials: new Set(o.serials),
    gatewayIds: new Set(o.gatewayIds),
  });

  test("opens nothing", async () => {
    const gateway = await gatewayEnd();
    const first = await gateway.connect({ target: echo() });
    await first.rest();
    const { serial } = await gateway.log.next("Session opened");
    const { gateway: identity } = await (await testPki()).client({ target: echo() });
    const usable = await gateway.connectAs(identity);
    await usable.rest();
    const { serial: next } = await gateway.log.next("Session opened", 1);
    gateway.credentials = { ...gateway.credentials, revocations: revoke({ serials: [String(next)] }) };
    await gateway.server.reload();
    expect(await (await gateway.connectAs(identity)).rest()).toMatch(/^ERR SESSION_ENDED .*revoked/);
    expect(next).not.toBe(serial);
  });

  test("X4 access that the platform has ended is cut, refused again, and others go on", async () => {
    const gateway = await gatewayEnd();
    const { gateway: identity } = await (await testPki()).client({ target: echo() });
    const doomed = await gateway.connectAs(identity);
    const { serial } = await gateway.log.next("Session opened");
    const spared = await gateway.connect({ target: echo() });
    await Promise.all([doomed.until(/OK/), spared.until(/OK/)]);
    gateway.server.endAccess(new Set([String(serial)]));
    expect(await doomed.closed).not.toBeNull();
    expect(await (await gateway.connectAs(identity)).rest()).toMatch(/^ERR SESSION_ENDED .*revoked/);
    expect(await spared.send("still").rest()).toBe("OK\nSTILL");
  });

  test("loses its live session when reload shows it; others go on", async () => {
    const gateway = await gatewayEnd();
    const doomed = await gateway.connect({ target: echo() });
    const { serial } = await gateway.log.next("Session opened");
    const spared = await gateway.connect({ target: echo() });
    await Promise.all([doomed.until(/OK/), spared.until(/OK/)]);
    gateway.credentials = { ...gateway.credentials, revocations: revoke({ serials: [String(serial)] }) };
    await gateway.server.reload();
    expect(await doomed.closed).not.toBeNull();
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: "SESSION_ENDED", serial });
    expect(await spared.send("still").rest()).toBe("OK\nSTILL");
  });

  test("of the gateway itself ends everything", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: echo() });
    await client.until(/OK/);
    gateway.credentials = { ...gateway.credentials, revocations: revoke({ gatewayIds: [GATEWAY_ID] }) };
    await gateway.server.reload();
    await client.closed;
    expect(await (await gateway.connect({ target: echo() })).rest()).toMatch(/^ERR SESSION_ENDED /);
  });
});

test("reload shows the new certificate to new connections and leaves the present ones alone", async () => {
  const gateway = await gatewayEnd();
  const before = await gateway.connect({ target: echo() });
  await before.until(/OK/);
  gateway.credentials = await (await testPki()).gateway();
  await gateway.server.reload();
  const after = await gateway.connect({ target: echo() });
  expect(after.peer.serial).not.toBe(before.peer.serial);
  expect(await before.send("old").rest()).toBe("OK\nOLD");
  expect(await after.send("new").rest()).toBe("OK\nNEW");
});

test("past the limit a channel is refused with RESOURCE_SHORTAGE, handshakes included, and room comes back", async () => {
  const gateway = await gatewayEnd({ limits: { channels: 2 } });
  const first = await gateway.connect({ target: echo() });
  const [, silent] = streamPair();
  gateway.server.accept(silent);
  expect(gateway.server.connections).toBe(2);
  const [far, refused] = streamPair();
  gateway.server.accept(refused);
  expect(refused.closed).toBe(true);
  expect(far.closed).toBe(true);
  expect(await gateway.log.next("A connection was refused")).toMatchObject({ cause: "RESOURCE_SHORTAGE" });
  await first.rest();
  await gateway.log.next("Session closed");
  while (gateway.server.connections > 1) await Bun.sleep(1);
  expect(await (await gateway.connect({ target: echo() })).rest()).toBe("OK\n");
});

test("a target has as long as --limit target-dial-ms says", async () => {
  const gateway = await gatewayEnd({
    limits: { targetDialMs: 200 },
    resolve: () => Promise.withResolvers<never>().promise,
  });
  const client = await gateway.connect({ target: { host: "db.internal", port: 1 } });
  expect(await client.rest()).toStartWith("ERR TARGET_UNRESOLVED ");
}, 9_000);

test("a client has as long for its handshake as --limit inner-handshake-ms says", async () => {
  const gateway = await gatewayEnd({ limits: { innerHandshakeMs: 200 } });
  const [, silent] = streamPair();
  gateway.server.accept(silent);
  while (gateway.server.connections > 0) await Bun.sleep(1);
}, 9_000);

describe("drain", () => {
  test("refuses new channels and waits for the present sessions", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: echo() });
    await client.until(/OK/);
    const drained = gateway.server.drain(60_000);
    const [, late] = streamPair();
    gateway.server.accept(late);
    expect(late.closed).toBe(true);
    expect(await client.send("last").rest()).toBe("OK\nLAST");
    await drained;
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: "ENDED" });
  });

  test("cuts what is left after the grace", async () => {
    const clock = new FakeClock(Date.now());
    const gateway = await gatewayEnd({ clock });
    const client = await gateway.connect({ target: echo() });
    await client.until(/OK/);
    const drained = gateway.server.drain(30_000);
    await clock.advance(30_000);
    await drained;
    await client.closed;
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: "DRAINING" });
  });

  test("close cuts at once and may be called twice", async () => {
    const gateway = await gatewayEnd();
    const client = await gateway.connect({ target: echo() });
    await client.until(/OK/);
    gateway.server.close();
    gateway.server.close();
    await client.closed;
    await gateway.log.next("Session closed");
  });
});

function laterGrant(seconds = 3600) {
  return { grantId: "g-1", sessionEndsAt: new Date(Date.now() + seconds * 1000).toISOString() };
}

/** A client certificate of the right authority with a common name of its own and no extensions of ours. */
async function bareIdentity(commonName: string) {
  const pki = await testPki();
  const { keyPair, privateKeyPem } = await generateX509Key();
  const { certificate } = await pki.organisation.gatewayClient.issueLeaf({
    subject: subject(["O", pki.orgId], ["CN", commonName]),
    publicKey: keyPair.publicKey,
    ttlSeconds: 300,
    extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth], true)],
  });
  const serverAuthorities = pki.organisation.gatewayServer.chainPem;
  return { certificate, privateKey: privateKeyPem, serverAuthorities };
}
