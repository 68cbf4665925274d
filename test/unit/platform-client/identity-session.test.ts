import { beforeEach, describe, expect, test } from "bun:test";
import { IdentitySession, identityLabel } from "../../../src/platform-client/identity-session.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const LIFE = 900;
const answer = (accessToken: string) => ({
  accessToken,
  expiresIn: LIFE,
  accessTokenMaxTTL: 86_400,
  tokenType: "Bearer",
});

let clock: FakeClock;
let asked: string[];
let fails: boolean;
beforeEach(() => {
  clock = new FakeClock();
  asked = [];
  fails = false;
});

function reply(what: string) {
  asked.push(what);
  if (fails) return Promise.reject(new SallyportError("PLATFORM_UNREACHABLE", "away"));
  return Promise.resolve(answer(`token-${asked.length}`));
}
const calls = {
  login: (clientId: string, clientSecret: string) => reply(`login ${clientId} ${clientSecret}`),
  renew: (accessToken: string) => reply(`renew ${accessToken}`),
};
const withSecret = () =>
  new IdentitySession({ login: { clientId: "id", clientSecret: "secret" }, calls, clock });
const jwt = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;
const withToken = () => {
  const iat = clock.now() / 1000;
  const accessToken = jwt({ iat, exp: iat + LIFE, identityId: "i-1" });
  return { accessToken, session: new IdentitySession({ login: { accessToken }, calls, clock }) };
};

describe("a machine identity's session", () => {
  test("logs in once for many calls, and again in the second half of the token's life", async () => {
    const session = withSecret();
    expect(await Promise.all([session.token(), session.token()])).toEqual(["token-1", "token-1"]);
    await clock.advance((LIFE / 2 - 1) * 1000);
    expect(await session.token()).toBe("token-1");
    await clock.advance(2000);
    expect(await session.token()).toBe("token-2");
    expect(asked).toEqual(["login id secret", "login id secret"]);
  });

  test("keeps using its token while the platform is away, until that expires", async () => {
    const session = withSecret();
    await session.token();
    fails = true;
    await clock.advance((LIFE - 1) * 1000);
    expect(await session.token()).toBe("token-1");
    await clock.advance(6000);
    await expect(session.token()).rejects.toMatchObject({ code: "PLATFORM_UNREACHABLE" });
    expect(asked).toHaveLength(3);
  });

  test("asks no more than every five seconds for what fails", async () => {
    fails = true;
    const session = withSecret();
    await expect(session.token()).rejects.toThrow("away");
    await expect(session.token()).rejects.toThrow("away");
    expect(asked).toHaveLength(1);
    fails = false;
    await clock.advance(5000);
    expect(await session.token()).toBe("token-2");
  });

  test("renews a token that is all it has, and never past its end", async () => {
    const { session, accessToken } = withToken();
    expect(await session.token()).toBe(accessToken);
    await clock.advance((LIFE / 2) * 1000);
    expect(await session.token()).toBe("token-1");
    await clock.advance((LIFE / 2) * 1000);
    expect(await session.token()).toBe("token-2");
    expect(asked).toEqual([`renew ${accessToken}`, "renew token-1"]);
    await clock.advance(LIFE * 1000);
    expect(await session.token()).toBe("token-2");
    expect(asked).toHaveLength(2);
  });

  test("uses an opaque token as it is", async () => {
    const session = new IdentitySession({ login: { accessToken: "opaque" }, calls, clock });
    await clock.advance(10 * 86_400_000);
    expect(await session.token()).toBe("opaque");
    expect(asked).toEqual([]);
  });

  test("is labelled alike for every token of one identity", () => {
    expect(identityLabel({ accessToken: jwt({ identityId: "i-1", iat: 1 }) })).toBe("i-1");
    expect(identityLabel({ accessToken: jwt({ identityId: "i-1", iat: 2 }) })).toBe("i-1");
    expect(identityLabel({ accessToken: "opaque" })).toBe("opaque");
    expect(identityLabel({ clientId: "id", clientSecret: "secret" })).toBe("id");
  });
});
