import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { openRelayLink, type RelayLink } from "../../../src/gateway/relay-link.ts";
import type { DialRequest, RelayConnection } from "../../../src/gateway/relay-session.ts";
import type { GatewayRelay } from "../../../src/pki/credentials.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { PeerDisconnected } from "../../../src/tunnel/ssh/messages.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { streamPair } from "../../support/stream-pair.ts";
import { GATEWAY_ID, testPki } from "../../support/test-pki.ts";

const OURS = "SSH-2.0-Sallyport_1";
const INFISICAL = "SSH-2.0-Go";
const lostError = new SallyportError("SSH_DISCONNECTED", "Connection reset by peer.");
const replacedError = new PeerDisconnected(11, "replaced");
const unreachable = new SallyportError("RELAY_UNREACHABLE", "Cannot reach the relay.");
const refusedError = new SallyportError("SSH_AUTHENTICATION_FAILED", "The relay refuses this gateway.");

/** A session whose far end is the test. */
class Session implements RelayConnection {
  readonly disconnects: string[] = [];
  readonly drained: number[] = [];
  readonly #listeners: ((error: SallyportError | null) => void)[] = [];
  constructor(
    readonly peerIdent: string,
    /** Closes by itself so many milliseconds after the login. */
    readonly life?: { ms: number; error: SallyportError | null },
  ) {}
  onClosed(listener: (error: SallyportError | null) => void): void {
    this.#listeners.push(listener);
  }
  close(error: SallyportError | null): void {
    for (const listener of this.#listeners.splice(0)) listener(error);
  }
  disconnect(_reason: number, text: string): void {
    this.disconnects.push(text);
    this.close(null);
  }
  async drain(graceMs: number): Promise<void> {
    this.drained.push(graceMs);
  }
}

let relay: GatewayRelay;
let clock: FakeClock;
let record: ReturnType<typeof recordedLog>;
let dials: { request: DialRequest; at: number }[];
let ups: string[];
let refreshes: number;
/** For each channel: aborts when what it carries should end. */
let accepted: AbortSignal[];
let refresh: () => Promise<void>;
let link: RelayLink;
/** What the next dials give: a session, or a failure. The last one stays. */
let answers: (Session | SallyportError)[];
let beforeLogin: () => Promise<void>;
let onDrainAdvice: () => void;

/** New credentials for the same relay, issued at the fake clock's time. */
async function issue(wish: { ttlSeconds?: number; generation?: number } = {}): Promise<GatewayRelay> {
  const { relays } = await (await testPki()).gateway({
    relays: [{ name: "r1", host: "relay.example.com", sshPort: 2222 }],
    now: new Date(clock.now()),
    ...wish,
  });
  if (!relays[0]) throw new Error("no relay");
  return relays[0];
}

beforeEach(async () => {
  clock = new FakeClock();
  relay = await issue();
  record = recordedLog();
  dials = [];
  ups = [];
  refreshes = 0;
  accepted = [];
  beforeLogin = async () => undefined;
  onDrainAdvice = () => undefined;
  refresh = async () => {
    refreshes++;
  };
});
afterEach(() => link.close());

function open(random = 1): void {
  link = openRelayLink({
    gatewayId: GATEWAY_ID,
    gatewayName: "edge",
    relay: () => relay,
    async dial(request) {
      dials.push({ request, at: clock.now() });
      await beforeLogin();
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (!(answer instanceof Session)) throw answer;
      const { life } = answer;
      if (life) void clock.sleep(life.ms).then(() => answer.close(life.error));
      return answer;
    },
    accept: (_, retiring) => accepted.push(retiring),
    onUp: (name) => ups.push(name),
    refresh: () => refresh(),
    onDrainAdvice: () => onDrainAdvice(),
    log: record.log,
    clock,
    random: () => random,
  });
}

/** Seconds between the dials. */
function gaps(): number[] {
  return dials.slice(1).map((dial, i) => (dial.at - (dials[i]?.at ?? 0)) / 1000);
}

describe("relay link", () => {
  test("dials the relay as the gateway and asks for a host certificate of that address and port", async () => {
    answers = [new Session(OURS)];
    open();
    await clock.advance(100);
    expect(dials[0]?.request).toMatchObject({
      host: "relay.example.com",
      port: 2222,
      username: GATEWAY_ID,
      identity: relay.ssh,
      hostPrincipal: ["relay.example.com:2222"],
    });
    expect(link.status()).toEqual({ relay: "r1", state: "up" });
    expect(ups).toEqual(["r1"]);
    expect(record.text()).toContain("Relay connection established for gateway");
  });

  test("an IPv6 relay has its address in brackets in the principal only", async () => {
    relay = { ...relay, host: "2001:db8::1", sshPort: 2022 };
    answers = [new Session(OURS)];
    open();
    await settle();
    expect(dials[0]?.request).toMatchObject({
      host: "2001:db8::1",
      port: 2022,
      hostPrincipal: ["[2001:db8::1]:2022", "[2001:db8::1]:2222"],
    });
  });

  test("a relay that can't be reached is tried with growing waits, for ever, and the state says why", async () => {
    answers = [unreachable];
    open();
    await clock.advance(200_000);
    expect(gaps().slice(0, 8)).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
    expect(link.status()).toEqual({
      relay: "r1",
      state: "waiting",
      reason: "RELAY_UNREACHABLE: Cannot reach the relay.",
    });
    expect(record.lines.filter((line) => line.includes("Cannot reach the relay")).length).toBeLessThanOrEqual(
      4,
    );
  });

  test("newer certificates are fetched after a refused login and now and then, not for each failed dial", async () => {
    answers = [unreachable];
    open();
    await clock.advance(900);
    expect(refreshes).toBe(0);
    await clock.advance(19_100);
    expect(dials).toHaveLength(5);
    expect(refreshes).toBe(1);
    await clock.advance(20_000);
    expect(refreshes).toBe(2);
    answers = [refusedError];
    await clock.advance(30_000);
    expect(refreshes).toBe(3);
  });

  test("F15 a lost tunnel alone asks the platform for nothing: everybody loses it at once", async () => {
    const first = new Session(OURS);
    answers = [first, new Session(OURS)];
    open();
    await clock.advance(60_000);
    first.close(lostError);
    await clock.advance(2000);
    expect(dials).toHaveLength(2);
    expect(refreshes).toBe(0);
  });

  test("F5 a login refused for an expired certificate waits for a newer one, and not a second longer", async () => {
    relay = await issue({ ttlSeconds: 60 });
    await clock.advance(61_000);
    answers = [refusedError];
    open();
    await clock.advance(59_000);
    expect(dials).toHaveLength(1);
    expect(refreshes).toBe(1);
    expect(link.status().reason).toContain("certificate has expired");
    relay = await issue();
    answers = [new Session(OURS)];
    link.renewed();
    await clock.advance(100);
    expect(link.status().state).toBe("up");
  });

  test("a lost tunnel is dialled again within a second, with credentials fetched meanwhile", async () => {
    const first = new Session(OURS);
    answers = [first, new Session(OURS)];
    open();
    await clock.advance(60_000);
    first.close(lostError);
    await settle();
    expect(link.status().state).toBe("waiting");
    relay = await issue();
    await clock.advance(1000);
    expect(dials).toHaveLength(2);
    expect(dials[1]?.request.identity).toEqual(relay.ssh);
    await clock.advance(100);
    expect(ups).toEqual(["r1", "r1"]);
  });

  test("a platform that does not answer delays the next attempt by 3 s at most", async () => {
    answers = [refusedError, new Session(OURS)];
    refresh = () => new Promise(() => undefined);
    open();
    await clock.advance(2900);
    expect(dials).toHaveLength(1);
    await clock.advance(200);
    expect(dials).toHaveLength(2);
  });

  test("waits grow while tunnels do not last, and start over after one of 30 s", async () => {
    const brief = () => new Session(OURS, { ms: 1000, error: lostError });
    const lasting = new Session(OURS, { ms: 30_000, error: lostError });
    answers = [brief(), brief(), brief(), lasting, new Session(OURS)];
    open();
    await clock.advance(100_000);
    expect(gaps()).toEqual([1 + 1, 1 + 2, 1 + 4, 30 + 1]);
  });

  test("F3 a gateway that was replaced waits 60 s and says how to mend it", async () => {
    const first = new Session(OURS);
    answers = [first, new Session(OURS)];
    open();
    await clock.advance(60_000);
    first.close(replacedError);
    await clock.advance(59_999);
    expect(dials).toHaveLength(1);
    expect(link.status()).toMatchObject({
      state: "waiting",
      reason: expect.stringContaining("GATEWAY_DUPLICATE"),
    });
    expect(record.text()).toContain("code=GATEWAY_DUPLICATE");
    expect(record.text()).toContain("sallyport gateway deploy-command edge");
    await clock.advance(1);
    expect(dials).toHaveLength(2);
  });

  test("F3 a newcomer that our relay refuses at once is never reported as up", async () => {
    const first = new Session(OURS);
    answers = [first];
    open();
    await settle();
    first.close(replacedError);
    await clock.advance(50_000);
    expect(ups).toEqual([]);
    expect(dials).toHaveLength(1);
  });

  test("Infisical's relay: up only after 2 s, an earlier close means another session and 5 to 60 s of patience", async () => {
    const early = () => new Session(INFISICAL, { ms: 500, error: null });
    answers = [early(), early(), early(), early(), new Session(INFISICAL)];
    open();
    await clock.advance(132_000 + 1999);
    expect(gaps()).toEqual([10.5, 20.5, 40.5, 60.5]);
    expect(ups).toEqual([]);
    expect(record.text()).toContain("closes right after the login");
    await clock.advance(20_000);
    expect(ups).toEqual(["r1"]);
  });

  test("F8 a relay's advice to move is passed on, any other request of its is not", async () => {
    const advised: number[] = [];
    onDrainAdvice = () => advised.push(1);
    answers = [new Session(OURS)];
    open();
    await settle();
    const ask = dials[0]?.request.onRequest;
    ask?.("keepalive@openssh.com");
    expect(advised).toEqual([]);
    ask?.("drain@sallyport");
    expect(advised).toEqual([1]);
    link.close();
    ask?.("drain@sallyport");
    expect(advised).toEqual([1]);
  });

  test.each([
    ["drain@sallyport", true],
    ["retire@sallyport", true],
    ["keepalive@openssh.com", false],
  ])("what a relay's %s means for what channels carry", async (name, shouldEnd) => {
    answers = [new Session(OURS)];
    open();
    await settle();
    const [stream] = streamPair();
    dials[0]?.request.onChannel({ type: "direct-tcpip", accept: () => stream, reject() {} });
    expect(accepted.map(({ aborted }) => aborted)).toEqual([false]);
    dials[0]?.request.onRequest(name);
    expect(accepted.map(({ aborted }) => aborted)).toEqual([shouldEnd]);
  });

  test("channels of any other type than direct-tcpip are rejected", async () => {
    answers = [new Session(OURS)];
    open();
    await settle();
    const rejections: number[] = [];
    dials[0]?.request.onChannel({
      type: "session",
      accept() {
        throw new Error("accepted");
      },
      reject: (reason) => rejections.push(reason),
    });
    expect(rejections).toEqual([3]);
  });

  test("drain opens nothing new and drains the session; close cuts it; both may be called twice", async () => {
    const session = new Session(OURS);
    answers = [session];
    open();
    await clock.advance(100);
    await link.drain(5000);
    expect(session.drained).toEqual([5000]);
    link.close();
    link.close();
    await clock.advance(600_000);
    expect(dials).toHaveLength(1);
    expect(clock.sleeping).toBe(0);
  });

  test("F12 a hundred flaps leave no timer behind", async () => {
    answers = [unreachable];
    open(0);
    await clock.advance(50_000);
    expect(dials.length).toBeGreaterThan(90);
    link.close();
    await settle();
    expect(clock.sleeping).toBe(0);
  });
});

describe("F6 newer credentials", () => {
  /** Up with a certificate of an hour, which wears out after half of it. */
  async function up(...later: (Session | SallyportError)[]): Promise<Session> {
    relay = await issue({ ttlSeconds: 3600 });
    const first = new Session(OURS);
    answers = [first, ...later];
    open(0);
    await clock.advance(100);
    expect(link.status().state).toBe("up");
    return first;
  }

  async function renew(wish?: Parameters<typeof issue>[0]): Promise<void> {
    relay = await issue(wish);
    link.renewed();
    await settle();
  }

  test("are taken into use when those in use are half worn: a second session, then the end of the first", async () => {
    const second = new Session(OURS);
    const first = await up(second);
    await renew();
    await clock.advance(1_799_000);
    expect(dials).toHaveLength(1);
    await clock.advance(2000);
    expect(dials).toHaveLength(2);
    expect(dials[1]?.request.identity).toEqual(relay.ssh);
    first.close(replacedError);
    await clock.advance(600_000);
    expect(link.status()).toEqual({ relay: "r1", state: "up" });
    expect(record.text()).not.toContain("GATEWAY_DUPLICATE");
    expect(ups).toEqual(["r1"]);
    expect(dials).toHaveLength(2);
  });

  test("that come late are taken into use at once", async () => {
    await up(new Session(OURS));
    await clock.advance(2_700_000);
    expect(dials).toHaveLength(1);
    await renew();
    expect(dials).toHaveLength(2);
  });

  test("of another generation are taken into use at once, those that end sooner never", async () => {
    await up(new Session(OURS));
    await renew({ ttlSeconds: 60 });
    await clock.advance(3_000_000);
    expect(dials).toHaveLength(1);
    await renew({ generation: 7 });
    expect(dials).toHaveLength(2);
  });

  test("do not touch the session while the relay can't be reached for a second one", async () => {
    const first = await up(unreachable, unreachable, new Session(OURS));
    await clock.advance(2_000_000);
    await renew();
    await clock.advance(10_000);
    expect(dials).toHaveLength(4);
    expect(link.status().state).toBe("up");
    first.close(replacedError);
    await clock.advance(1000);
    expect(link.status().state).toBe("up");
  });

  test("the first session's end may be heard before the second one's login", async () => {
    const first = await up();
    await clock.advance(2_000_000);
    const login = Promise.withResolvers<void>();
    const second = new Session(OURS);
    answers = [second];
    relay = await issue();
    beforeLogin = () => login.promise;
    link.renewed();
    await settle();
    first.close(replacedError);
    await settle();
    login.resolve();
    await clock.advance(100);
    expect(link.status().state).toBe("up");
    expect(record.text()).not.toContain("GATEWAY_DUPLICATE");
    second.close(lostError);
    await settle();
    expect(link.status().state).toBe("waiting");
  });

  test("F3 a session that loses its place to somebody else is a duplicate all the same", async () => {
    const first = await up(new Session(OURS));
    await clock.advance(2_000_000);
    first.close(replacedError);
    await settle();
    expect(link.status().reason).toContain("GATEWAY_DUPLICATE");
    await clock.advance(59_000);
    expect(dials).toHaveLength(1);
  });

  test("a second session that is refused at once leaves the first one alone", async () => {
    const first = await up(new Session(OURS, { ms: 50, error: replacedError }), new Session(OURS));
    await clock.advance(2_000_000);
    await renew();
    await clock.advance(59_000);
    expect(dials).toHaveLength(2);
    expect(link.status().state).toBe("up");
    await clock.advance(2000);
    expect(dials).toHaveLength(3);
    expect(first.disconnects).toEqual([]);
  });

  test("a first session that was given up for one that does not last is no duplicate", async () => {
    const first = await up(new Session(OURS, { ms: 50, error: lostError }), new Session(OURS));
    await clock.advance(2_000_000);
    await renew();
    first.close(replacedError);
    await clock.advance(50);
    expect(link.status()).toMatchObject({ state: "waiting", reason: expect.stringContaining("lost") });
    await clock.advance(1000);
    expect(link.status().state).toBe("up");
  });

  test("at Infisical's relay the session stays: it would refuse a second one", async () => {
    relay = await issue({ ttlSeconds: 3600 });
    answers = [new Session(INFISICAL)];
    open();
    await clock.advance(3000);
    await renew({ generation: 7 });
    await clock.advance(10_000_000);
    expect(dials).toHaveLength(1);
    expect(link.status().state).toBe("up");
  });

  test("draining and closing reach every session", async () => {
    const second = new Session(OURS);
    const first = await up(second);
    await clock.advance(2_000_000);
    await renew();
    await clock.advance(100);
    await link.drain(5000);
    expect([first.drained, second.drained]).toEqual([[5000], [5000]]);
    expect([first.disconnects, second.disconnects]).toEqual([["closed"], ["closed"]]);
    await settle();
    expect(clock.sleeping).toBe(0);
  });

  test("sessions that do not end after their replacement are bounded", async () => {
    const all: Session[] = [await up()];
    for (let i = 0; i < 70; i++) {
      const next = new Session(OURS);
      all.push(next);
      answers = [next];
      await renew({ generation: i + 1 });
      await clock.advance(100);
    }
    expect(dials).toHaveLength(71);
    expect(all.map(({ drained }) => drained.length)).toEqual([...Array(6).fill(1), ...Array(65).fill(0)]);
  });
});
