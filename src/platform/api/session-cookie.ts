import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { SallyportError } from "../../telemetry/error.ts";
import type { ApiEnv } from "./env.ts";

/** What a browser holds instead of a bearer token: no script can read it, no other site can make it be sent. */
const NAME = "sallyport_session";

/** Requests that change nothing. */
const SAFE = new Set(["GET", "HEAD"]);

/** A session in the cookie of a browser, after `requireSameOrigin`. */
export function giveSessionCookie(
  c: Context<ApiEnv>,
  session: { accessToken: string; expiresAt: string },
): void {
  setCookie(c, NAME, session.accessToken, {
    ...attributes(c),
    httpOnly: true,
    sameSite: "Strict",
    expires: new Date(session.expiresAt),
  });
}

export function takeSessionCookie(c: Context<ApiEnv>): void {
  if (sessionCookie(c) !== undefined) deleteCookie(c, NAME, attributes(c));
}

/**
 * The token in the cookie. Other sites can't make a browser send it (SameSite), but for one that is a site with ours:
 * what changes anything has to come from a page of ours.
 * @throws SallyportError FORBIDDEN
 */
export function requireSessionCookie(c: Context<ApiEnv>): string | undefined {
  const token = sessionCookie(c);
  if (token !== undefined && !SAFE.has(c.req.method)) requireSameOrigin(c);
  return token;
}

function sessionCookie(c: Context<ApiEnv>): string | undefined {
  return isSecure(c) ? getCookie(c, NAME, "host") : getCookie(c, NAME);
}

/** `__Host-`: nobody but this very host could have set it. */
function attributes(c: Context<ApiEnv>) {
  return isSecure(c)
    ? ({ path: "/", secure: true, prefix: "host" } as const)
    : ({ path: "/", secure: false } as const);
}

/** Where people are to come by https a cookie that also travels in the clear is never given out. */
function isSecure(c: Context<ApiEnv>): boolean {
  return c.env.https === true || c.var.services.core.publicUrl().startsWith("https:");
}

/**
 * The public URL, or the host that the request was for: a proxy may change that one, and people reach a platform on
 * their own machine under several names.
 * @throws SallyportError FORBIDDEN
 */
export function requireSameOrigin(c: Context<ApiEnv>): void {
  const origin = URL.parse(c.req.header("origin") ?? "");
  const expected = new URL(c.var.services.core.publicUrl());
  if (origin?.origin === expected.origin) return;
  if (origin?.host === new URL(c.req.url).host && origin.protocol === expected.protocol) return;
  throw new SallyportError(
    "FORBIDDEN",
    "A request with a session cookie has to come from the platform's own pages.",
  );
}
