import { beforeEach, describe, expect, test } from "bun:test";
import { matchAddresses } from "../../../src/relay/address.ts";
import { RelayAdmission } from "../../../src/relay/admission.ts";
import type { AdmissionTicket } from "../../../src/tunnel/admission.ts";

const limits = {
  unauthenticated: 100,
  unauthenticatedPerAddress: 10,
  penaltyMs: 5_000,
  penaltyCapMs: 60_000,
};

let now = 0;
let dropped: string[] = [];
let admission: RelayAdmission;

beforeEach(() => {
  now = 0;
  dropped = [];
  admission = new RelayAdmission({ limits, now: () => now });
});

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
    now = 2_000;
    enter("newcomer", distinct(1_000));
    expect(dropped).toEqual(["slow-1"]);
    expect(admission.waiting).toBe(100);
  });

  test("drops older connections before those that have just come", () => {
    for (let i = 0; i < 99; i++) enter(`stalled-${i}`, distinct(i)).progress();
    now = 5_000;
    enter("honest", distinct(500));
    enter("newcomer", distinct(501));
    expect(dropped).toEqual(["stalled-0"]);
  });

  test("of 500 slow peers from distinct addresses none locks out an honest log-in", () => {
    let served = 0;
    for (let i = 0; i < 500; i++) {
      now += 20;
      enter(`slow-${i}`, distinct(i));
      const honest = enter(`honest-${i}`, distinct(10_000 + i));
      for (let step = 0; step < 3; step++) honest.progress();
      if (!dropped.includes(`honest-${i}`)) served++;
      honest.authenticated();
    }
    expect(served).toBe(500);
    expect(admission.waiting).toBeLessThanOrEqual(100);
  });

  test("one address has ten places, and its oldest waiter leaves for the next one", () => {
    for (let i = 0; i < 11; i++) enter(`same-${i}`, "192.0.2.1");
    enter("other", "192.0.2.2");
    expect(dropped).toEqual(["same-0"]);
    expect(admission.waiting).toBe(11);
  });

  test("a /64 of IPv6 is one address", () => {
    for (let i = 0; i < 11; i++) enter(`same-${i}`, `2001:db8::${i + 1}`);
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
