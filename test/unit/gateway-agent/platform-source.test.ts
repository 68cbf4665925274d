import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFile, stat, writeFile } from "node:fs/promises";
import { openCredentialsCache } from "../../../src/gateway/credentials-cache.ts";
import { generateHomeKeys, type HomeKeys } from "../../../src/gateway/issued.ts";
import { PlatformSource } from "../../../src/gateway/platform-source.ts";
import type { GatewayConnect } from "../../../src/platform-client/answers.ts";
import type { GatewayConnectRequest } from "../../../src/platform-client/client.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { answerConnect, type PlatformKind, type StubRelay } from "../../support/stub-platform.ts";
import { GATEWAY_ID, type TestPki, testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

const HOUR = 3_600_000;
const away = new SallyportError("PLATFORM_UNREACHABLE", "Cannot reach the platform.");

let space: Workspace;
let pki: TestPki;
let keys: HomeKeys;
let clock: FakeClock;
let record: ReturnType<typeof recordedLog>;

beforeEach(async () => {
  space = await Workspace.open("platform-source");
  pki = await testPki();
  keys = await generateHomeKeys();
  clock = new FakeClock(Date.now());
  record = recordedLog();
});
afterEach(() => space.close());

/** Answers and failures are made before the call is answered, so that fake time does not run past them. */
class Platform {
  kind: PlatformKind = "sallyport";
  relays: StubRelay[] = [{ name: "r1", host: "relay.example.com:9443", sshPort: 2022 }];
  failure: SallyportError | undefined;
  ttlSeconds = 86_400;
  readonly calls: { request: GatewayConnectRequest; at: number }[] = [];

  async gatewayConnect(request: GatewayConnectRequest): Promise<GatewayConnect> {
    this.calls.push({ request, at: clock.now() });
    if (this.failure) throw this.failure;
    const { kind, relays, ttlSeconds } = this;
    return answerConnect({ pki, request, kind, relays, ttlSeconds, now: new Date(clock.now()) });
  }
}

function source(platform: Platform, o: { relays?: string[]; token?: string } = {}) {
  return space.own(
    new PlatformSource({
      platform,
      gatewayName: "edge",
      relays: o.relays ?? [],
      cache: openCredentialsCache(space.join("state"), [o.token ?? "token"], record.log),
      log: record.log,
      clock,
      random: () => 0,
      generateKeys: () => Promise.resolve(keys),
    }),
  );
}

/** Lets real signatures and file writes finish while fake time stands still. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

/** Moves fake time in steps, leaving real time for the work in between. */
async function pass(milliseconds: number, step = 15_000): Promise<void> {
  for (let left = milliseconds; left > 0; left -= step) {
    await clock.advance(Math.min(step, left));
    await Bun.sleep(0);
  }
}

describe("platform source", () => {
  test("keys stay home: only public parts are sent, and the private ones are used", async () => {
    const platform = new Platform();
    const credentials = await source(platform).load();
    const [call] = platform.calls;
    expect(call?.request).toEqual({ maxRelays: 2, csr: keys.csr, sshPublicKey: keys.ssh.publicLine });
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
    const stolen = await generateHomeKeys();
    const honest = platform.gatewayConnect.bind(platform);
    platform.gatewayConnect = (request) =>
      honest({ ...request, csr: platform.calls.length === 0 ? stolen.csr : keys.csr });
    const loading = source(platform).load();
    await until(() => record.text().includes("the server certificate is for another key"));
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
