import { z } from "zod";
import { type Clock, systemClock } from "../host/clock.ts";
import type { IdentityCalls, IdentityToken } from "./calls/identities.ts";
import { parseJson } from "./json.ts";

/** What somebody shows to act as a machine identity: what it logs in with, or an access token that it has. */
export type IdentityLogin = { clientId: string; clientSecret: string } | { accessToken: string };

interface SessionOptions {
  login: IdentityLogin;
  calls: Pick<IdentityCalls, "login" | "renew">;
  clock?: Clock;
}

/** A token is replaced once this much of its life is over, so that a short outage of the platform does no harm. */
const RENEW_AT = 0.5;
/** After a failure the same is tried again no sooner, however many calls ask. */
const PAUSE_MS = 5_000;
/** The life of a token that does not say. */
const UNKNOWN_LIFE_MS = Number.POSITIVE_INFINITY;

interface Held {
  token: string;
  since: number;
  until: number;
}

/**
 * Keeps a machine identity logged in: each call asks here for the token to use, and the first one in the second half of a
 * token's life gets a new one, by client id and secret or, where there is nothing but a token, by renewing that.
 */
export class IdentitySession {
  readonly #options: SessionOptions;
  readonly #clock: Clock;
  #held: Held | undefined;
  #renewing: Promise<Held> | undefined;
  #failure: { error: unknown; at: number } | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { login } = options;
    if ("accessToken" in login) this.#held = heldToken(login.accessToken, this.#clock.now());
  }

  /** A token that is good as far as can be known here. @throws SallyportError when there is none to be had */
  async token(): Promise<string> {
    const held = this.#held;
    const now = this.#clock.now();
    const isSetBack = held !== undefined && now < held.since;
    if (held && !isSetBack && now < held.since + (held.until - held.since) * RENEW_AT) return held.token;
    const onlyToken = "accessToken" in this.#options.login;
    // An expired token can't be renewed: the platform says so in its own words.
    if (held && onlyToken && now >= held.until) return held.token;
    try {
      return (await this.#newer()).token;
    } catch (error) {
      if (held && (onlyToken || now < held.until)) return held.token;
      throw error;
    }
  }

  #newer(): Promise<Held> {
    const { error, at } = this.#failure ?? { error: undefined, at: Number.NEGATIVE_INFINITY };
    if (Math.abs(this.#clock.now() - at) < PAUSE_MS) return Promise.reject(error);
    this.#renewing ??= this.#ask()
      .catch((failure: unknown) => {
        this.#failure = { error: failure, at: this.#clock.now() };
        throw failure;
      })
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  async #ask(): Promise<Held> {
    const { login, calls } = this.#options;
    const since = this.#clock.now();
    const { accessToken, expiresIn }: IdentityToken =
      "accessToken" in login
        ? await calls.renew(this.#held?.token ?? login.accessToken)
        : await calls.login(login.clientId, login.clientSecret);
    this.#held = { token: accessToken, since, until: since + expiresIn * 1000 };
    return this.#held;
  }
}

/** Whom a login is for, as far as it says: the same for every token of one identity. */
export function identityLabel(login: IdentityLogin): string {
  if ("clientId" in login) return login.clientId;
  return claimsOf(login.accessToken)?.identityId ?? login.accessToken;
}

const claims = z.object({
  iat: z.number().optional(),
  exp: z.number().optional(),
  identityId: z.string().optional(),
});

/** Only its own word: what it is worth is the platform's to say. */
function claimsOf(token: string): z.infer<typeof claims> | undefined {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  return claims.safeParse(parseJson(payload)).data;
}

function heldToken(token: string, now: number): Held {
  const { iat, exp } = claimsOf(token) ?? {};
  if (iat === undefined || exp === undefined) return { token, since: now, until: UNKNOWN_LIFE_MS };
  return { token, since: iat * 1000, until: exp * 1000 };
}
