import { beforeEach, describe, expect, test } from "bun:test";
import { matchAddresses } from "../../../src/host/address-ranges.ts";
import { RelayAdmission } from "../../../src/relay/admission.ts";
import type { AdmissionTicket } from "../../../src/tunnel/admission.ts";

const limits = {
  unauthenticated: 100,
  unauthenticatedPerAddress: 10,
  penaltyMs: 5_000,
  penaltyCapMs: 60_000,
};

/** What newcomers are left alone for. */
const FRESH = 200;

let now = 0;
let dropped: string[] = [];
let admission: RelayAdmission;
let due: { at: number; work: () => void }[] = [];

beforeEach(() => {
  now = 0;
  dropped = [];
  due = [];
  const later = (work: () => void, milliseconds: number) => void due.push({ at: now + milliseconds, work });
  admission = new RelayAdmission({ limits, now: () => now, later });
});

function pass(milliseconds: number): void {
  const end = now + milliseconds;
  for (let next = due[0]; next && next.at <= end; next = due[0]) {
    now = next.at;
    due.shift();
    next.work();
  }
  now = end;
}

/** Lets a connection in, which notes its name when it is dropped. */
function enter(name: string, address: string, door = admission): AdmissionTicket {
  const ticket = door.admit(address, () => dropped.push(name));
  if (!ticket) throw new Error(`${name} was not let in`);
  return ticket;
}

function distinct(i: number): string {
  return `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
}

describe("B5 a full house", () => {
  test("drops the oldest of those that got least far, never the newcomer", () => {
    const first = enter("first", distinct(0));
    for (let i = 1; i < 100; i++) enter(`slow-${i}`, distinct(i));
    first.progress();
    pass(500);
    enter("newcomer", distinct(1_000));
    pass(FRESH);
    expect(dropped).toEqual(["slow-1"]);
    expect(admission.waiting).toBe(100);
  });

  test("drops those that stall before those that have just come, however far they got", () => {
    for (let i = 0; i < 99; i++) enter(`stalled-${i}`, distinct(i)).progress();
    pass(5_000);
    enter("honest", distinct(500));
    enter("newcomer", distinct(501));
    pass(FRESH);
    expect(dropped).toEqual(["stalled-0"]);
  });

  test("spares a slow handshake that goes on", () => {
    const slow = enter("slow", distinct(0));
    slow.progress();
    for (let second = 0; second < 5; second++) {
      for (let i = 0; i < 120; i++) enter(`silent-${second}-${i}`, distinct(1 + second * 120 + i));
      pass(900);
      slow.progress();
    }
    expect(dropped.length).toBeGreaterThan(400);
    expect(dropped).not.toContain("slow");
  });

  test("gives newcomers the time to say something, also when very many come at once", () => {
    const tickets = Array.from({ length: 400 }, (_, i) => enter(`crowd-${i}`, distinct(i)));
    pass(FRESH / 2);
    expect(dropped).toEqual([]);
    for (const ticket of tickets.slice(50, 60)) ticket.progress();
    pass(FRESH);
    expect(dropped).toHaveLength(300);
    for (let i = 50; i < 60; i++) expect(dropped).not.toContain(`crowd-${i}`);
  });

  test("has newcomers for ten times its places at most, and the address with most of them gives way", () => {
    const honest = enter("honest", distinct(7));
    for (let i = 0; i < 1_500; i++) enter(`same-${i}`, "192.0.2.1");
    expect(admission.waiting).toBe(1_000);
    expect(dropped).not.toContain("honest");
    honest.close();
    for (let i = 0; i < 1_500; i++) enter(`other-${i}`, distinct(1_000 + i));
    expect(admission.waiting).toBe(1_000);
    pass(3 * FRESH);
    expect(admission.waiting).toBe(100);
  });

  test("of 500 slow peers from distinct addresses none locks out an honest log-in", () => {
    let served = 0;
    for (let i = 0; i < 500; i++) {
      pass(20);
      enter(`slow-${i}`, distinct(i));
      const honest = enter(`honest-${i}`, distinct(10_000 + i));
      for (let step = 0; step < 3; step++) honest.progress();
      if (!dropped.includes(`honest-${i}`)) served++;
      honest.authenticated();
    }
    expect(served).toBe(500);
    pass(FRESH);
    expect(admission.waiting).toBeLessThanOrEqual(100);
  });

  test("one address has ten places, and its oldest waiter leaves for the next one", () => {
    for (let i = 0; i < 11; i++) enter(`same-${i}`, "192.0.2.1");
    enter("other", "192.0.2.2");
    pass(FRESH);
    expect(dropped).toEqual(["same-0"]);
    expect(admission.waiting).toBe(11);
  });

  test("a /64 of IPv6 is one address", () => {
    for (let i = 0; i < 11; i++) enter(`same-${i}`, `2001:db8::${i + 1}`);
    pass(FRESH);
    expect(dropped).toEqual(["same-0"]);
  });

  test("authenticated connections take no place", () => {
    for (let i = 0; i < 50; i++) enter(`gateway-${i}`, "192.0.2.1").authenticated();
    expect(admission.waiting).toBe(0);
    expect(dropped).toEqual([]);
  });

  test("a closed connection gives its place back once", () => {
    const ticket = enter("gone", "192.0.2.1");
    ticket.close();
    ticket.close();
    expect(admission.waiting).toBe(0);
  });
});

describe("penalties", () => {
  const address = "192.0.2.9";

  test("a failed authentication shuts its address out for 5 s, then 10, 20, 40, 60, 60", () => {
    for (const pause of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      enter("bad", address).failed();
      now += pause - 1;
      expect(admission.admit(address, () => {})).toBeNull();
      now += 1;
      admission.admit(address, () => {})?.close();
    }
  });

  test("others are not concerned, and neither is a slow peer that was merely cut", () => {
    enter("bad", address).failed();
    enter("other", "192.0.2.10").close();
    expect(admission.admit("192.0.2.10", () => {})).not.toBeNull();
  });

  test("failures at the same time count once", () => {
    const tickets = Array.from({ length: 5 }, (_, i) => enter(`parallel-${i}`, address));
    for (const ticket of tickets) ticket.failed();
    now = 5_000;
    expect(admission.admit(address, () => {})).not.toBeNull();
  });

  test("a success, or a minute of peace, starts from 5 s again", () => {
    enter("bad", address).failed();
    now += 5_000;
    enter("good", address).authenticated();
    enter("bad", address).failed();
    now += 5_000;
    expect(admission.admit(address, () => {})).not.toBeNull();
    now += 60_000;
    enter("bad", address).failed();
    now += 5_000;
    expect(admission.admit(address, () => {})).not.toBeNull();
  });

  test("an exempt address has neither a limit of its own nor penalties", () => {
    const door = new RelayAdmission({ limits, exempt: matchAddresses(["192.0.2.0/24"]), now: () => now });
    for (let i = 0; i < 20; i++) enter(`exempt-${i}`, address, door).failed();
    expect(dropped).toEqual([]);
    expect(door.admit(address, () => {})).not.toBeNull();
  });

  test("the penalties of 10 000 addresses are remembered, no more", () => {
    enter("first", distinct(0)).failed();
    for (let i = 1; i <= 10_000; i++) enter("bad", distinct(i)).failed();
    expect(admission.admit(distinct(0), () => {})).not.toBeNull();
    expect(admission.admit(distinct(10_000), () => {})).toBeNull();
  });
});
