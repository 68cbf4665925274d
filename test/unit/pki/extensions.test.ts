import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseActor, parseGrant, parseRouting } from "../../../src/pki/extensions.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function code(run: () => unknown): string {
  try {
    run();
    return "accepted";
  } catch (error) {
    if (error instanceof SallyportError) return error.code;
    throw error;
  }
}

describe("the routing extension", () => {
  for (const [host, port] of [
    ["db.internal", 5432],
    ["health-check", 443],
    ["", 0],
    ["https://kubernetes.default.svc", 443],
    ["fd00::1", 22],
    ["datenbank-münchen", 65_535],
  ] as const) {
    test(`carries ${JSON.stringify(host)}:${port}`, () => {
      expect(parseRouting(json({ targetHost: host, targetPort: port, later: true }))).toEqual({
        targetHost: host,
        targetPort: port,
      });
    });
  }

  for (const [what, bytes] of [
    ["a port as a string", json({ targetHost: "db", targetPort: "5432" })],
    ["a port above 65535", json({ targetHost: "db", targetPort: 65_536 })],
    ["a negative port", json({ targetHost: "db", targetPort: -1 })],
    ["a broken port", json({ targetHost: "db", targetPort: 1.5 })],
    ["no host", json({ targetPort: 1 })],
    ["a host that is no string", json({ targetHost: null, targetPort: 1 })],
    ["a line break in the host", json({ targetHost: "db\nINFO", targetPort: 1 })],
    ["a NUL in the host", json({ targetHost: "db\0.evil", targetPort: 1 })],
    ["an escape sequence in the host", json({ targetHost: "\u001b[2J", targetPort: 1 })],
    ["a right-to-left mark in the host", json({ targetHost: "db\u202egnp", targetPort: 1 })],
    ["a space in the host", json({ targetHost: "db internal", targetPort: 1 })],
    ["a host of 1025 characters", json({ targetHost: "a".repeat(1025), targetPort: 1 })],
    ["an array", json([])],
    ["nothing", new Uint8Array()],
    ["a text", new TextEncoder().encode("targetHost=db")],
    ["bytes that are not UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)],
    ["a byte order mark", new TextEncoder().encode('\ufeff{"targetHost":"db","targetPort":1}')],
    ["more than 4 KiB", json({ targetHost: "db", targetPort: 1, filler: "x".repeat(4096) })],
  ] as const) {
    test(`B3 with ${what} is refused`, () => {
      expect(code(() => parseRouting(bytes))).toBe("CERTIFICATE_REFUSED");
    });
  }

  test("B3 of any bytes is read or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(["accepted", "CERTIFICATE_REFUSED"]).toContain(code(() => parseRouting(bytes)));
      }),
    );
  });
});

describe("the actor extension", () => {
  test("of the platform has a type only", () => {
    expect(parseActor(json({ type: "platform" }))).toEqual({ type: "platform" });
  });

  test("of a person has an id and a name, in any script", () => {
    const person = { type: "user", id: "42", name: "Zoë Ωμέγα" };
    expect(parseActor(json(person))).toEqual(person);
  });

  test("may hold null for what is not known", () => {
    expect(parseActor(json({ type: "user", id: null, name: null }))).toEqual({ type: "user" });
  });

  for (const actor of [
    {},
    { type: "" },
    { type: 1 },
    { type: "user", name: "a\u0007b" },
    { type: "user", id: 42 },
  ]) {
    test(`B3 ${JSON.stringify(actor)} is refused`, () => {
      expect(code(() => parseActor(json(actor)))).toBe("CERTIFICATE_REFUSED");
    });
  }
});

describe("the grant extension", () => {
  test("says when the session ends, in any time zone", () => {
    const grant = parseGrant(json({ grantId: "g1", sessionEndsAt: "2026-03-01T12:00:00+02:00" }));
    expect(grant).toEqual({ grantId: "g1", sessionEndsAt: new Date("2026-03-01T10:00:00Z") });
  });

  for (const sessionEndsAt of ["tomorrow", "", 1_700_000_000, "2026-02-30T10:00:00Z"]) {
    test(`B3 ending at ${JSON.stringify(sessionEndsAt)} is refused`, () => {
      expect(code(() => parseGrant(json({ grantId: "g1", sessionEndsAt })))).toBe("CERTIFICATE_REFUSED");
    });
  }
});
