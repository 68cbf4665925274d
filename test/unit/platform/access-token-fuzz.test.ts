import { beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SignJWT } from "jose";
import { type AccessClaims, AccessTokens } from "../../../src/platform/services/login/access-tokens.ts";

const SECRET = new Uint8Array(64).fill(7);
const tokens = new AccessTokens(SECRET, () => new Date());
const CLAIMS = {
  authTokenType: "gatewayAccessToken",
  gatewayId: "0b5e2a0e-58f4-4ad5-9f1c-6b3a7f1e2d3c",
  orgId: "6a1f0c2b-93d7-4e58-8a41-d2c9b7e6f504",
  tokenVersion: 3,
} as const;

let minted: string;
let claims: AccessClaims;
beforeAll(async () => {
  minted = await tokens.mint(CLAIMS);
  claims = (await tokens.verify(minted)) ?? expect.unreachable();
  expect(claims).toMatchObject(CLAIMS);
});

const segment = fc.oneof(
  fc.base64String(),
  fc.string({ unit: "binary" }),
  fc.json().map((text) => Buffer.from(text).toString("base64url")),
);

describe("B1 an access token", () => {
  test("of any bytes is nobody's, and never an error", async () => {
    const anything = fc.oneof(
      fc.string({ unit: "binary", maxLength: 4096 }),
      fc.array(segment, { maxLength: 6 }).map((parts) => parts.join(".")),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (text) => {
        expect(await tokens.verify(text)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test("that is damaged anywhere is nobody's, or says what it said", async () => {
    const damage = fc.record({
      at: fc.nat(),
      cut: fc.nat({ max: 4 }),
      put: fc.oneof(fc.string({ unit: "binary", maxLength: 4 }), fc.base64String({ maxLength: 4 })),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, cut, put }) => {
        const start = at % minted.length;
        const found = await tokens.verify(minted.slice(0, start) + put + minted.slice(start + cut));
        // The last sign of a signature has two bits that mean nothing.
        if (found !== undefined) expect(found).toEqual(claims);
      }),
      { numRuns: 500 },
    );
  });

  test("that is signed here for something else is nobody's, whatever it holds", async () => {
    const whole = { ...CLAIMS, iat: 1_800_000_000 };
    const more = fc
      .string()
      .filter((name) => !(name in whole))
      .chain((name) => fc.jsonValue().map((value) => ({ ...whole, [name]: value })));
    const payload = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), more);
    await fc.assert(
      fc.asyncProperty(payload, async (body) => {
        const token = await new SignJWT({ ...body }).setProtectedHeader({ alg: "HS256" }).sign(SECRET);
        expect(await tokens.verify(token)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
