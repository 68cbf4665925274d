import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";

const common = {
  /** Raised by every login and revocation; checked against the row on every request. */
  tokenVersion: z.number().int().nonnegative(),
  iat: z.number().int(),
};

/** Of a machine identity, in Infisical's words; whether secret and identity still exist is for the rows to say. */
const identityClaims = z.strictObject({
  authTokenType: z.literal("identityAccessToken"),
  identityId: z.uuid(),
  clientSecretId: z.uuid(),
  identityAccessTokenId: z.uuid(),
  /** When it logged in with the secret, in seconds. */
  auth_time: z.number().int(),
  iat: z.number().int(),
  exp: z.number().int(),
});

export type IdentityClaims = z.infer<typeof identityClaims>;

/** PROTOCOL B. Strict: a token made for another purpose, with an audience or an expiry of its own, is none of ours. */
const claims = z.discriminatedUnion("authTokenType", [
  identityClaims,
  z.strictObject({
    authTokenType: z.literal("gatewayAccessToken"),
    gatewayId: z.uuid(),
    orgId: z.uuid(),
    ...common,
  }),
  z.strictObject({
    authTokenType: z.literal("relayAccessToken"),
    relayId: z.uuid(),
    /** null = of the instance. */
    orgId: z.uuid().nullable(),
    ...common,
  }),
]);

export type AccessClaims = z.infer<typeof claims>;

type NewClaims<T> = T extends unknown ? Omit<T, "iat"> : never;

/** Access tokens: HS256; those of gateways and relays without expiry (PROTOCOL B), those of machine identities with one. */
export class AccessTokens {
  readonly #secret: Uint8Array;
  readonly #now: () => Date;

  constructor(secret: Uint8Array, now: () => Date) {
    this.#secret = secret;
    this.#now = now;
  }

  async mint(content: NewClaims<AccessClaims>): Promise<string> {
    return await new SignJWT({ ...content })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuedAt(this.#now())
      .sign(this.#secret);
  }

  /** Undefined for anything that was not minted here. Whether it still counts is for the row's version to say. */
  async verify(token: string): Promise<AccessClaims | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#secret, {
        algorithms: ["HS256"],
        currentDate: this.#now(),
      });
      return claims.safeParse(payload).data;
    } catch {
      return undefined;
    }
  }
}
