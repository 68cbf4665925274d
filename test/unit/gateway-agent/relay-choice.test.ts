import { beforeEach, describe, expect, test } from "bun:test";
import { chooseRelays, type RelayChoice, relayPlace } from "../../../src/gateway/relay-choice.ts";
import type { GatewayRelay } from "../../../src/pki/credentials.ts";
import type { RelayRow } from "../../../src/platform-client/calls/relays.ts";

const NOW = Date.parse("2026-01-01T12:00:00Z");
const fresh = new Date(NOW - 60_000).toISOString();
const old = new Date(NOW - 2 * 3_600_000).toISOString();

/** Milliseconds to each host; none: it can't be reached. */
let latencies: Record<string, number>;
let measured: string[];

beforeEach(() => {
  latencies = {};
  measured = [];
});

function row(name: string, more: Partial<RelayRow> = {}): RelayRow {
  latencies[`${name}.test`] ??= 10;
  return { id: name, orgId: "org", name, host: `${name}.test`, heartbeat: fresh, createdAt: null, ...more };
}

function present(...names: string[]): GatewayRelay[] {
  return names.map((name) => ({
    relayName: name,
    host: `${name}.test`,
    sshPort: 2222,
    ssh: { certificate: "", privateKey: "" },
    hostAuthorities: [],
  }));
}

function choose(rows: RelayRow[], more: Partial<RelayChoice> = {}): Promise<string[]> {
  return chooseRelays({
    rows,
    count: 2,
    present: [],
    avoid: new Set(),
    async measure(host, port) {
      measured.push(`${host}:${port}`);
      return latencies[host];
    },
    now: NOW,
    random: () => 0.5,
    ...more,
  });
}

const avoid = (...names: string[]) => new Set(present(...names).map(relayPlace));

describe("choosing relays", () => {
  test("healthy ones first, the organisation's before shared ones, then the nearest", async () => {
    const rows = [
      row("stale", { heartbeat: old }),
      row("shared", { orgId: null }),
      row("far"),
      row("near"),
      row("never", { heartbeat: null }),
    ];
    Object.assign(latencies, { "far.test": 200, "near.test": 20, "shared.test": 1, "stale.test": 1 });
    expect(await choose(rows, { count: 4 })).toEqual(["near", "far", "shared", "stale"]);
  });

  test("the latency is that of the SSH port, whichever it is, not of the TLS port", async () => {
    await choose([
      row("a"),
      row("b", { host: "b.test:9443", sshPort: 2022 }),
      row("c", { host: "[2001:db8::1]" }),
    ]);
    expect(measured).toEqual(["a.test:2222", "b.test:2022", "2001:db8::1:2222"]);
  });

  test("a relay that can't be reached is left out, and so is a host that can't be read", async () => {
    const rows = [row("gone"), row("here"), row("odd", { host: "no host/at all" })];
    delete latencies["gone.test"];
    expect(await choose(rows)).toEqual(["here"]);
    expect(await choose([])).toEqual([]);
  });

  test("gateways spread over relays that are about as near, and not over others", async () => {
    const rows = [row("a"), row("b"), row("far")];
    Object.assign(latencies, { "a.test": 20, "b.test": 22, "far.test": 60 });
    const counts: Record<string, number> = {};
    for (let i = 0; i < 200; i++) {
      const [first = ""] = await choose(rows, { count: 1, random: Math.random });
      counts[first] = (counts[first] ?? 0) + 1;
    }
    expect(Math.min(counts.a ?? 0, counts.b ?? 0)).toBeGreaterThan(30);
    expect(counts.far).toBeUndefined();
  });

  test("relays in use stay, whatever else there is, without being measured", async () => {
    const rows = [row("a"), row("b"), row("c")];
    latencies["b.test"] = 500;
    expect(await choose(rows, { present: present("b") })).toEqual(["b", "a"]);
    expect(measured).not.toContain("b.test:2222");
    measured = [];
    expect(await choose(rows, { present: present("b", "c") })).toEqual(["b", "c"]);
    expect(measured).toEqual([]);
  });

  test("one to avoid gives way to another, and stays where there is no other", async () => {
    const both = [row("a"), row("b")];
    const using = { present: present("a", "b"), avoid: avoid("a") };
    expect(await choose([...both, row("c")], using)).toEqual(["b", "c"]);
    expect(await choose(both, using)).toEqual(["b", "a"]);
    expect(await choose([row("a")], { count: 1, present: present("a"), avoid: avoid("a") })).toEqual(["a"]);
  });

  test("where all are to be avoided, one that can be reached again comes before the one just lost", async () => {
    const rows = [row("a"), row("b")];
    const lost = { count: 1, present: present("b"), avoid: avoid("a", "b") };
    expect(await choose(rows, lost)).toEqual(["a"]);
    delete latencies["a.test"];
    expect(await choose(rows, lost)).toEqual(["b"]);
  });

  test("a relay in use that the platform lists no more is given up", async () => {
    expect(await choose([row("b")], { present: present("a") })).toEqual(["b"]);
  });

  test("of thousands only the best ranked are measured", async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => row(`r${i}`, { orgId: i < 990 ? null : "org" }));
    const [first = ""] = await choose(rows);
    expect(measured).toHaveLength(16);
    expect(Number(first.slice(1))).toBeGreaterThanOrEqual(990);
  });
});
