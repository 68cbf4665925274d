import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "./env.ts";

const ALWAYS = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Permitted-Cross-Domain-Policies": "none",
};

/** Of an answer that is no page; a page sets its own. */
const NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'";
/** Half a year. Names below ours are not ours to decide on. */
const HSTS = "max-age=15552000";

/**
 * What browsers are told with every answer: show it in no frame, guess no type, run nothing, and come by https only
 * once they have. No answer opens anything to other origins (CORS).
 */
export function securityHeaders() {
  return createMiddleware<ApiEnv>(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(ALWAYS)) c.header(name, value);
    if (!c.res.headers.has("Content-Security-Policy")) c.header("Content-Security-Policy", NOTHING_RUNS);
    const isHttps = c.env.https === true && c.var.services.core.publicUrl().startsWith("https:");
    if (isHttps) c.header("Strict-Transport-Security", HSTS);
  });
}
