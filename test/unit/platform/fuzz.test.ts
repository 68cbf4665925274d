import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DATABASES, DatabaseHost, RELAY_SECRET, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

/** Names that routes look at, so that the fuzz gets past "field missing". */
const FIELDS = [
  ...["opened", "closed", "leaseSeconds", "complete", "records", "instance", "userId", "endsAt"],
  ...["name", "host", "port", "kind", "gatewayId", "gatewayName", "relayName", "relayNames", "maxRelays"],
  ...["csr", "sshPublicKey", "sshPort", "tlsPort", "directAddress", "capabilities", "method", "token"],
  ...[
    "relayCsr",
    "gatewayCsr",
    "targetHost",
    "targetPort",
    "authMethod",
    "email",
    "password",
    "organisation",
  ],
];

const nasty = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 2 ** 53, 65_536, "", " ", [], {}, [[]], "\u0000"),
  fc.constantFrom<unknown>(
    "\ud800",
    "office",
    "eu-1",
    "token",
    "db",
    "../..",
    "a".repeat(40_000),
    "%00",
    "127.0.0.1",
  ),
  fc.constantFrom<unknown>(crypto.randomUUID(), "00000000-0000-0000-0000-000000000000", ["eu-1"], {
    method: "token",
  }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.integer(),
  fc.double(),
  fc.jsonValue({ maxDepth: 3 }),
);
const anyBody = fc.oneof(
  fc.dictionary(fc.constantFrom(...FIELDS), nasty, { maxKeys: 8 }),
  nasty,
  fc.constantFrom<unknown>("{", '{"__proto__":{"x":1}}', '{"name":"a","name":"b"}', "[".repeat(2000)),
);
const parameter = fc.oneof(
  fc.constantFrom("office", "db", "eu-1", "%00", "%", "%ff", "..", "a%2Fb", "%E0%A4%A", "x".repeat(3000)),
  fc.constantFrom("00000000-0000-0000-0000-000000000000", crypto.randomUUID(), "'; --", "[object Object]"),
  fc.string({ unit: "binary", maxLength: 30 }).map(encodeSafely),
);

function encodeSafely(text: string): string {
  return encodeURIComponent(text.toWellFormed()) || "x";
}

describe.each(DATABASES)("fuzz on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let tokens: (string | undefined)[] = [];
  const operations: [string, string][] = [];
  beforeAll(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    const gateway = await platform.gateway(acme, "office");
    const relay = await platform.relay(acme, "eu-1");
    tokens = [acme.token, acme.token, gateway.token, relay.token, RELAY_SECRET, undefined];
    for (const [path, methods] of Object.entries(Object(platform.api.describe().paths))) {
      for (const method of Object.keys(Object(methods))) operations.push([method.toUpperCase(), path]);
    }
  });
  afterAll(() => platform.close());

  test("no route answers any nonsense with a 5xx, nor with anything but JSON", async () => {
    // Hashing passwords takes long, and streams are no JSON: all of them have tests of their own.
    const fast = () =>
      operations.filter(([, path]) => !/\/(auth\/login|bootstrap|events|export)$/.test(path));
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), parameter, anyBody, async (pick, holder, text, body) => {
        const choices = fast();
        const [method, path] = choices[pick % choices.length] ?? ["GET", "/api/status"];
        const token = tokens[holder % tokens.length];
        const called = path.replace(/^\/api/, "").replaceAll(/\{\w+\}/g, () => text);
        const sent = method === "GET" ? undefined : body;
        const answer = await platform.call(method, called, {
          token,
          body: sent,
          address: `192.0.2.${pick % 250}`,
        });
        if (answer.status >= 500) throw new Error(`${method} ${called}: ${JSON.stringify(answer.body)}`);
        expect(answer.headers.get("content-type")).toStartWith("application/json");
      }),
      { numRuns: 600 },
    );
  }, 60_000);

  test("bad types at the routes that hash passwords are refused before hashing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("/v1/auth/login", "/v1/bootstrap"), nasty, async (path, value) => {
        const body = { email: value, password: "x", token: "x", organisation: "Acme" };
        const answer = await platform.call("POST", path, { body });
        expect([400, 401, 413, 422, 429]).toContain(answer.status);
      }),
      { numRuns: 60 },
    );
  });
});
