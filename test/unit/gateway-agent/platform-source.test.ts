import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFile, stat, writeFile } from "node:fs/promises";
import { openCredentialsCache } from "../../../src/gateway/credentials-cache.ts";
import { PlatformSource } from "../../../src/gateway/platform-source.ts";
import type {
  GatewayConnect,
  GatewayConnectRequest,
} from "../../../src/platform-client/calls/gateway-agent.ts";
import type { RelayRow } from "../../../src/platform-client/calls/relays.ts";
import { generateOwnKeys, type OwnKeys } from "../../../src/platform-client/own-keys.ts";
import { Conditions } from "../../../src/telemetry/conditions.ts";
import { SallyportError, systemCode } from "../../../src/telemetry/error.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { answerConnect, type PlatformKind, type StubRelay } from "../../support/stub-platform.ts";
import { GATEWAY_ID, type TestPki, testPki } from "../../support/test-pki.ts";
import { until } from "../../support/until.ts";
import { Workspace } from "../../support/workspace.ts";

const HOUR = 3_600_000;
const away = new SallyportError("PLATFORM_UNREACHABLE", "Cannot reach the platform.");

let space: Workspace;
let pki: TestPki;
let keys: OwnKeys;
let clock: FakeClock;
let record: ReturnType<typeof recordedLog>;
/** Milliseconds to a relay's host; none: it can't be reached. */
let latencies: Map<string, number>;

beforeEach(async () => {
  space = await Workspace.open("platform-source");
  pki = await testPki();
  keys = await generateOwnKeys();
  clock = new FakeClock(Date.now());
  record = recordedLog();
  latencies = new Map();
});
afterEach(() => space.close());

/** Answers and failures are made before the call is answered, so that fake time does not run past them. */
class Platform {
  kind: PlatformKind = "sallyport";
  relays: StubRelay[] = [{ name: "r1", host: "relay.example.com:9443", sshPort: 2022 }];
  failure: SallyportError | undefined;
  /** No call is answered before. */
  held: Promise<void> | undefined;
  ttlSeconds = 86_400;
  /** Of this machine's clock. */
  aheadMs = 0;
  rows: RelayRow[] = [];
  lists = 0;
  readonly calls: { request: GatewayConnectRequest; at: number }[] = [];

  async listRelays(): Promise<RelayRow[]> {
    this.lists++;
    return this.rows;
  }

  async gatewayConnect(request: GatewayConnectRequest): Promise<GatewayConnect> {
    this.calls.push({ request, at: clock.now() });
    await this.held;
    if (this.failure) throw this.failure;
    const { kind, relays, ttlSeconds } = this;
    return answerConnect({
      pki,
      request,
      kind,
      relays,
      ttlSeconds,
      now: new Date(clock.now() + this.aheadMs),
    });
  }
}

function source(
  platform: Platform,
  o: { relays?: string[]; tunnels?: number; token?: string; conditions?: Conditions } = {},
) {
  return space.own(
    new PlatformSource({
      platform,
      ...(o.conditions && { conditions: o.conditions }),
      gatewayName: "edge",
      relays: o.relays ?? [],
      tunnels: o.tunnels,
      measure: async (host) => latencies.get(host),
      cache: openCredentialsCache(space.join("state"), [o.token ?? "token"], record.log),
      log: record.log,
      clock,
      random: () => 0,
      generateKeys: () => Promise.resolve(keys),
    }),
  );
}

/** Moves fake time in steps, leaving real time for the work in between. */
async function pass(milliseconds: number, step = 15_000): Promise<void> {
  for (let left = milliseconds; left > 0; left -= step) {
    await clock.advance(Math.min(step, left));
    await Bun.sleep(0);
  }
}

describe("platform source", () => {
  test("what is answered after the end is not written any more", async () => {
    const platform = new Platform();
    const answer = Promise.withResolvers<void>();
    platform.held = answer.promise;
    const late = source(platform);
    const loading = late.load();
    await until(() => platform.calls.length === 1);
    late.close();
    answer.resolve();
    await loading;
    expect(await stat(space.join("state")).catch(systemCode)).toBe("ENOENT");
  });

  test("keys stay home: only public parts are sent, and the private ones are used", async () => {
    const platform = new Platform();
    const credentials = await source(platform).load();
    const [call] = platform.calls;
    expect(call?.request).toEqual({ maxRelays: 2, csr: keys.parts.csr, sshPublicKey: keys.ssh.publicLine });
    expect(credentials.gatewayId).toBe(GATEWAY_ID);
    expect(credentials.tls.privateKey).toBe(keys.tlsPrivateKey);
    expect(credentials.relays).toMatchObject([
      { relayName: "r1", host: "relay.example.com", sshPort: 2022, ssh: { privateKey: keys.ssh.privateKey } },
    ]);
    expect(record.text()).toContain("Successfully registered gateway and received certificates");
  });

  test("Infisical's answer, with private keys and one relay, is used as it is", async () => {
    const platform = new Platform();
    platform.kind = "infisical";
    platform.relays = [{ name: "r1", host: "[2001:db8::1]" }];
    const credentials = await source(platform, { relays: ["r1"] }).load();
    expect(platform.calls[0]?.request).toMatchObject({ relayName: "r1" });
    expect(credentials.tls.privateKey).not.toBe(keys.tlsPrivateKey);
    expect(credentials.relays).toMatchObject([{ relayName: "r1", host: "2001:db8::1", sshPort: 2222 }]);
    expect(credentials.relays[0]?.ssh.privateKey).toContain("OPENSSH PRIVATE KEY");
    expect(credentials.relays[0]?.ssh.privateKey).not.toBe(keys.ssh.privateKey);
  });

  test("two pinned relays are both asked for", async () => {
    const platform = new Platform();
    platform.relays = [
      { name: "a", host: "a.example.com" },
      { name: "b", host: "b.example.com" },
    ];
    const credentials = await source(platform, { relays: ["a", "b"] }).load();
    expect(platform.calls[0]?.request).toMatchObject({
      relayName: "a",
      relayNames: ["a", "b"],
      maxRelays: 2,
    });
    expect(credentials.relays.map((relay) => relay.relayName)).toEqual(["a", "b"]);
  });

  test("certificates for another key than ours are refused, and asked for again", async () => {
    const platform = new Platform();
    const stolen = await generateOwnKeys();
    const honest = platform.gatewayConnect.bind(platform);
    platform.gatewayConnect = (request) =>
      honest({ ...request, csr: platform.calls.length === 0 ? stolen.parts.csr : keys.parts.csr });
    const loading = source(platform).load();
    await until(() => record.text().includes("a certificate for another key"));
    await pass(10_000);
    expect((await loading).tls.privateKey).toBe(keys.tlsPrivateKey);
  });

  test("a failing connect call is repeated every 10 s for ever, with a log line a minute", async () => {
    const platform = new Platform();
    platform.failure = away;
    const loading = source(platform).load();
    await until(() => platform.calls.length > 0);
    await pass(120_000, 1000);
    expect(platform.calls.length).toBeGreaterThanOrEqual(12);
    expect(platform.calls.length).toBeLessThanOrEqual(15);
    expect(
      record.lines.filter((line) => line.includes("Cannot reach the platform")).length,
    ).toBeLessThanOrEqual(3);
    platform.failure = undefined;
    await clock.advance(12_000);
    expect((await loading).gatewayId).toBe(GATEWAY_ID);
  });

  test("a revoked or superseded token says what to do, and is tried on", async () => {
    const platform = new Platform();
    platform.failure = new SallyportError("UNAUTHENTICATED", "The platform refuses: Token revoked.");
    const revoked = source(platform);
    const loading = revoked.load();
    await until(() => platform.calls.length > 0);
    await pass(30_000, 1000);
    expect(record.text()).toContain("sallyport gateway deploy-command edge");
    expect(platform.calls.length).toBeGreaterThanOrEqual(3);
    revoked.close();
    await expect(loading).rejects.toMatchObject({ code: "DRAINING" });
  });

  test("closing ends the wait for a platform that is away", async () => {
    const platform = new Platform();
    platform.failure = away;
    const waiting = source(platform);
    const loading = waiting.load();
    await clock.advance(1000);
    waiting.close();
    await expect(loading).rejects.toMatchObject({ code: "DRAINING" });
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
  });

  test("F5 valid certificates are kept 0600 and serve at the next start while the platform is away", async () => {
    const platform = new Platform();
    const first = await source(platform).load();
    const file = space.join("state/credentials.json");
    await until(() => Bun.file(file).size > 0);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, "utf8")).not.toContain('"token"');
    platform.failure = away;
    await clock.advance(60_000);
    expect(await source(platform).load()).toEqual(first);
  });

  test("F5 kept certificates serve after 5 s when the platform does not even answer", async () => {
    await source(new Platform()).load();
    const silent = new Platform();
    let asked = false;
    silent.gatewayConnect = () => {
      asked = true;
      return new Promise(() => undefined);
    };
    const loading = source(silent).load();
    await until(() => asked && clock.sleeping > 0);
    await clock.advance(5000);
    expect((await loading).gatewayId).toBe(GATEWAY_ID);
  });

  test("kept certificates of another enrolment, expired or damaged ones are not used", async () => {
    const platform = new Platform();
    await source(platform).load();
    platform.failure = away;
    const file = space.join("state/credentials.json");
    const kept = await readFile(file, "utf8");
    const refusesToStart = async (token?: string) => {
      const fresh = source(platform, token === undefined ? {} : { token });
      const loading = fresh.load();
      const before = platform.calls.length;
      await until(() => platform.calls.length > before);
      fresh.close();
      await expect(loading).rejects.toMatchObject({ code: "DRAINING" });
    };
    await refusesToStart("another token");
    await writeFile(file, kept.slice(0, 200));
    await refusesToStart();
    expect(record.text()).toContain("The kept credentials can't be used");
    await writeFile(file, kept);
    await clock.advance(25 * HOUR);
    await refusesToStart();
  });

  test("certificates are renewed at half of their life, at most 6 h, and the owner is told", async () => {
    const platform = new Platform();
    platform.ttlSeconds = 3600;
    let stale = 0;
    const renewing = source(platform);
    renewing.onStale(() => stale++);
    await renewing.load();
    await pass(1_790_000);
    expect(platform.calls).toHaveLength(1);
    await pass(30_000);
    await until(() => stale === 2);
    platform.ttlSeconds = 30 * 86_400;
    await pass(1_830_000);
    await until(() => stale === 3);
    const since = clock.now();
    await pass(5.9 * HOUR, 60_000);
    expect(platform.calls).toHaveLength(3);
    await pass(0.2 * HOUR, 60_000);
    await until(() => platform.calls.length === 4);
    expect((platform.calls[3]?.at ?? 0) - since).toBeLessThanOrEqual(6 * HOUR + 30_000);
  });

  test("F4 after a suspend of two hours the renewal comes within 15 s", async () => {
    const platform = new Platform();
    platform.ttlSeconds = 3600;
    await source(platform).load();
    clock.jump(2 * HOUR);
    await pass(15_000, 1000);
    await until(() => platform.calls.length === 2);
  });

  test("a clock that is a day wrong does not stop the gateway, and is named", async () => {
    const platform = new Platform();
    const honest = platform.gatewayConnect.bind(platform);
    platform.gatewayConnect = async (request) => {
      await honest(request);
      const now = new Date(clock.now() + 48 * HOUR);
      return answerConnect({ pki, request, relays: platform.relays, now });
    };
    expect((await source(platform).load()).gatewayId).toBe(GATEWAY_ID);
    expect(record.text()).toContain("The clock of this machine is wrong");
  });

  test("calls within 10 s of an answer share it", async () => {
    const platform = new Platform();
    const shared = source(platform);
    await Promise.all([shared.load(), shared.load()]);
    await shared.load();
    expect(platform.calls).toHaveLength(1);
    await clock.advance(11_000);
    await shared.load();
    expect(platform.calls).toHaveLength(2);
  });

  test("B6 neither token nor private keys are logged", async () => {
    await source(new Platform(), { token: "secret-token" }).load();
    expect(record.text()).not.toMatch(/secret-token|PRIVATE KEY/);
  });
});

describe("relays that nobody has named", () => {
  const row = (name: string, more: Partial<RelayRow> = {}): RelayRow => {
    const heartbeat = new Date(clock.now()).toISOString();
    latencies.set(`${name}.test`, 10);
    return { id: name, orgId: "org", name, host: `${name}.test`, heartbeat, createdAt: null, ...more };
  };

  /** As Infisical's: it wants a name, answers for that one, and remembers it. */
  class Infisical extends Platform {
    override kind: PlatformKind = "infisical";
    stored: string | undefined;

    override async gatewayConnect(request: GatewayConnectRequest): Promise<GatewayConnect> {
      const name = request.relayName ?? this.stored;
      const found = this.rows.find((each) => each.name === name);
      this.failure = found ? undefined : new SallyportError("NOT_FOUND", "The gateway has no relay.");
      if (found) {
        this.stored = name;
        this.relays = [{ name: found.name, host: found.host }];
      }
      return super.gatewayConnect(request);
    }
  }

  const named = (platform: Platform) => platform.calls.map(({ request }) => request.relayName);

  test("Sallyport's platform is asked for as many as are wanted, and chooses", async () => {
    const platform = new Platform();
    await source(platform, { tunnels: 4 }).load();
    expect(platform.calls[0]?.request).toMatchObject({ maxRelays: 4 });
    expect(platform.lists).toBe(0);
  });

  test("Infisical's platform does not choose: the nearest healthy relay of the organisation is asked for", async () => {
    const platform = new Infisical();
    platform.rows = [
      row("shared", { orgId: null }),
      row("far"),
      row("near"),
      row("dead", { heartbeat: null }),
    ];
    latencies.set("far.test", 300);
    const credentials = await source(platform).load();
    expect(named(platform)).toEqual([undefined, "near"]);
    expect(credentials.relays).toMatchObject([{ relayName: "near", host: "near.test", sshPort: 2222 }]);
  });

  test("there, a later call names the same relay again", async () => {
    const platform = new Infisical();
    platform.rows = [row("a"), row("b")];
    latencies.set("b.test", 300);
    const chosen = source(platform);
    await chosen.load();
    latencies.set("a.test", 900);
    await clock.advance(11_000);
    await chosen.load();
    expect(named(platform)).toEqual([undefined, "a", "a"]);
  });

  test("a relay that Infisical's platform remembers is used without choosing", async () => {
    const platform = new Infisical();
    platform.rows = [row("a"), row("b")];
    platform.stored = "b";
    expect((await source(platform).load()).relays).toMatchObject([{ host: "b.test" }]);
    expect(platform.lists).toBe(0);
  });

  test("without any relay the platform's own words are heard", async () => {
    const platform = new Infisical();
    const loading = source(platform).load();
    await until(() => record.text().includes("The gateway has no relay."));
    expect(platform.lists).toBe(1);
    platform.rows = [row("a")];
    await pass(11_000);
    expect((await loading).relays).toMatchObject([{ relayName: "a" }]);
  });

  test("with one tunnel, the first failed attempt moves the gateway to another relay", async () => {
    const platform = new Infisical();
    platform.rows = [row("a"), row("b")];
    latencies.set("b.test", 300);
    const moving = source(platform);
    const [relay] = (await moving.load()).relays;
    if (!relay) throw new Error("no relay");
    const moved = new Promise<void>((resolve) => moving.onStale(resolve));
    moving.lookElsewhere(relay, 1);
    await moved;
    expect(named(platform)).toEqual([undefined, "a", "b"]);
    expect((await moving.load()).relays).toMatchObject([{ relayName: "b" }]);
  });

  test("with two, the third does, the good one stays, and the platform chooses again when it is over", async () => {
    const platform = new Platform();
    platform.rows = [row("a"), row("b"), row("c")];
    platform.relays = [
      { name: "a", host: "a.test" },
      { name: "b", host: "b.test" },
    ];
    const moving = source(platform);
    let stale = 0;
    moving.onStale(() => stale++);
    const [a] = (await moving.load()).relays;
    if (!a) throw new Error("no relay");
    moving.lookElsewhere(a, 2);
    await Bun.sleep(5);
    expect(platform.lists).toBe(0);
    platform.relays = [
      { name: "b", host: "b.test" },
      { name: "c", host: "c.test" },
    ];
    moving.lookElsewhere(a, 3);
    await until(() => platform.calls.length === 2);
    expect(platform.calls[1]?.request).toMatchObject({
      relayName: "b",
      relayNames: ["b", "c"],
      maxRelays: 2,
    });
    await until(() => stale === 2);
    await clock.advance(6 * 60_000);
    moving.renew();
    await until(() => stale === 3);
    moving.renew();
    await until(() => platform.calls.length === 4);
    expect(platform.calls[3]?.request).toMatchObject({ maxRelays: 2 });
    expect(platform.calls[3]?.request.relayName).toBeUndefined();
  });

  test("a relay without an alternative is kept, and the platform is not bothered", async () => {
    const platform = new Infisical();
    platform.rows = [row("a")];
    const staying = source(platform);
    const [relay] = (await staying.load()).relays;
    if (!relay) throw new Error("no relay");
    for (let i = 1; i < 5; i++) {
      staying.lookElsewhere(relay, i);
      await until(() => platform.lists === i + 1);
      await Bun.sleep(1);
    }
    expect(named(platform)).toEqual([undefined, "a"]);
  });

  test("a pinned relay is never left, whatever happens to it", async () => {
    const platform = new Infisical();
    platform.rows = [row("a"), row("b")];
    const pinned = source(platform, { relays: ["a"] });
    const [relay] = (await pinned.load()).relays;
    if (!relay) throw new Error("no relay");
    pinned.lookElsewhere(relay, 100);
    pinned.lookElsewhere(relay, Number.POSITIVE_INFINITY);
    await Bun.sleep(5);
    expect(platform.lists).toBe(0);
    expect(named(platform)).toEqual(["a"]);
  });

  test("a list that can't be had changes nothing", async () => {
    const platform = new Infisical();
    platform.rows = [row("a")];
    const staying = source(platform);
    const [relay] = (await staying.load()).relays;
    if (!relay) throw new Error("no relay");
    platform.listRelays = () => Promise.reject(away);
    staying.lookElsewhere(relay, 1);
    await until(() => record.text().includes("The relays can't be listed"));
    expect(named(platform)).toEqual([undefined, "a"]);
  });
});

describe("F4 F5 F15 certificates over time", () => {
  test("F4 a clock that is set back does not put the renewal off", async () => {
    const platform = new Platform();
    platform.ttlSeconds = 3600;
    await source(platform).load();
    // By less than certificates are backdated, so that those at hand are valid still.
    clock.jump(-240_000);
    await pass(1_830_000);
    await until(() => platform.calls.length === 2);
  });

  test("F4 certificates that a clock set back makes worthless are replaced within 15 s, once", async () => {
    const platform = new Platform();
    await source(platform).load();
    await pass(60_000);
    clock.jump(-HOUR);
    await pass(15_000);
    await until(() => platform.calls.length === 2);
    await pass(600_000, 15_000);
    expect(platform.calls).toHaveLength(2);
  });

  test("F4 a clock that is wrong is a condition until it is right, and no reason to ask again and again", async () => {
    const platform = new Platform();
    const conditions = new Conditions();
    const skewed = source(platform, { conditions });
    // The platform's clock is right, and this machine's an hour behind.
    platform.aheadMs = HOUR;
    await skewed.load();
    await pass(600_000, 15_000);
    expect(conditions.list()).toMatchObject([{ code: "CLOCK_WRONG" }]);
    expect(platform.calls).toHaveLength(1);
    clock.jump(HOUR);
    await pass(15_000);
    expect(conditions.list()).toEqual([]);
    expect(platform.calls).toHaveLength(1);
  });

  test("F5 the platform is away for 8 h from the middle of a certificate's life: renewed as soon as it is back", async () => {
    const platform = new Platform();
    platform.ttlSeconds = 4 * 3600;
    let stale = 0;
    const renewing = source(platform);
    renewing.onStale(() => stale++);
    await renewing.load();
    await pass(HOUR, 60_000);
    platform.failure = away;
    await pass(8 * HOUR, 60_000);
    platform.failure = undefined;
    const before = stale;
    await pass(12_000, 1000);
    await until(() => stale === before + 1);
    expect((await renewing.load()).gatewayId).toBe(GATEWAY_ID);
  });

  test("F5 a gateway that was stopped for 30 days starts again with what its conf holds", async () => {
    await source(new Platform()).load();
    await clock.advance(30 * 24 * HOUR);
    const platform = new Platform();
    const first = platform.calls.length;
    expect((await source(platform).load()).gatewayId).toBe(GATEWAY_ID);
    expect(platform.calls.length).toBe(first + 1);
  });

  test("F15 after an outage gateways with good certificates come back spread over 3 minutes, the others within 12 s", async () => {
    const waits = async (ttlSeconds: number, random: number) => {
      const platform = new Platform();
      platform.ttlSeconds = ttlSeconds;
      const failing = new PlatformSource({
        platform,
        gatewayName: "edge",
        relays: [],
        measure: async () => undefined,
        cache: openCredentialsCache(space.join(`state-${ttlSeconds}-${random}`), ["token"], record.log),
        log: record.log,
        clock,
        random: () => random,
        generateKeys: () => Promise.resolve(keys),
      });
      await failing.load();
      platform.failure = away;
      failing.renew();
      await until(() => platform.calls.length === 2);
      for (let i = 0; i < 200 && platform.calls.length === 2; i++) await pass(1000, 1000);
      failing.close();
      return ((platform.calls[2]?.at ?? 0) - (platform.calls[1]?.at ?? 0)) / 1000;
    };
    expect(await waits(86_400, 0)).toBeCloseTo(9, 0);
    expect(await waits(86_400, 0.5)).toBeCloseTo(94, 0);
    expect(await waits(86_400, 0.999)).toBeCloseTo(179, 0);
    expect(await waits(1800, 0.999)).toBeCloseTo(11, 0);
  });

  test("F12 a hundred connect calls leave one renewal behind, and closing none", async () => {
    const platform = new Platform();
    const renewing = source(platform);
    let stale = 0;
    renewing.onStale(() => stale++);
    await renewing.load();
    for (let i = 0; i < 100; i++) {
      const before = stale;
      renewing.renew();
      await until(() => stale > before);
    }
    await until(() => clock.sleeping === 1);
    renewing.close();
    await until(() => clock.sleeping === 0);
  });

  test("what is wanted anew while a call is under way is asked for in another one", async () => {
    const platform = new Platform();
    const honest = platform.gatewayConnect.bind(platform);
    const first = Promise.withResolvers<void>();
    platform.gatewayConnect = async (request) => {
      const answer = honest(request);
      if (platform.calls.length === 1) await first.promise;
      return answer;
    };
    const renewing = source(platform);
    const loading = renewing.load();
    await until(() => platform.calls.length === 1);
    for (let i = 0; i < 5; i++) renewing.renew();
    first.resolve();
    await loading;
    await until(() => platform.calls.length === 2);
    await Bun.sleep(20);
    expect(platform.calls).toHaveLength(2);
  });
});
