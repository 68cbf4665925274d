import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";

const common = {
  /** Raised by every login and revocation; checked against the row on every request. */
  tokenVersion: z.number().int().nonnegative(),
  iat: z.number().int(),
};

/** PROTOCOL B. Strict: a token made for another purpose, with an audience or an expiry of its own, is none of ours. */
const claims = z.discriminatedUnion("authTokenType", [
  z.strictObject({
    authTokenType: z.literal("gatewayAccessToken"),
    gatewayId: z.uuid(),
    orgId: z.uuid(),
    ...common,
  }),
  z.strictObject({
    authTokenType: z.literal("relayAccessToken"),
    relayId: z.uuid(),
    orgId: z.uuid(),
    ...common,
  }),
]);

export type AccessClaims = z.infer<typeof claims>;

type NewClaims<T> = T extends unknown ? Omit<T, "iat"> : never;

/** The access tokens of gateways and relays: HS256, without expiry (PROTOCOL B). */
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
