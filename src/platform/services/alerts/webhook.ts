import { createHmac } from "node:crypto";
import { isIP } from "node:net";
import { formatHostPort } from "../../../host/address.ts";
import { describe, SallyportError } from "../../../telemetry/error.ts";
import { VERSION } from "../../../version.ts";
import type { HostRule } from "../host-rule.ts";

export interface WebhookPost {
  url: string;
  /** PEM of the only authorities to trust; null = the public ones. */
  caCertificate: string | null;
  /** What the receiver checks the signature with. */
  secret: string;
  /** The same for every attempt, so that a receiver can tell a second one from another delivery. */
  deliveryId: string;
  body: string;
}

const DEADLINE_MS = 10_000;

/**
 * Posts to a webhook, signed: `X-Sallyport-Signature: t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>" in hex>`. The
 * host is judged by every address it has and dialled at the one that was judged; redirects are refused, for they would
 * lead past that (ACCEPTANCE B11). What the receiver answers is not read.
 * @throws SallyportError REQUEST_INVALID, RELAY_UNREACHABLE (the host rule), REQUEST_REFUSED (any answer but 2xx, or none)
 */
export async function postWebhook(rule: HostRule, post: WebhookPost, now: Date): Promise<void> {
  const url = webhookUrl(post.url);
  const address = await rule.addressOf(url.hostname);
  const isPlain = url.protocol === "http:";
  if (isPlain && !isLoopback(address)) throw notHttps();
  const port = Number(url.port) || (isPlain ? 80 : 443);
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const target = `${url.protocol}//${formatHostPort(address, port)}${url.pathname}${url.search}`;
  const response = await send(target, signal, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Host: url.host,
      "User-Agent": `sallyport/${VERSION}`,
      "X-Sallyport-Delivery": post.deliveryId,
      "X-Sallyport-Signature": signature(post.secret, post.body, now),
    },
    body: post.body,
    ...(!isPlain && {
      tls: {
        ...(isIP(name) === 0 && { serverName: name }),
        ...(post.caCertificate !== null && { ca: post.caCertificate }),
      },
    }),
  });
  await response.body?.cancel();
  if (response.ok) return;
  const { status } = response;
  const why =
    status >= 300 && status < 400 ? "answered with a redirect, which is not followed" : `answered ${status}`;
  throw new SallyportError("REQUEST_REFUSED", `The webhook ${why}.`);
}

/** @throws SallyportError REQUEST_INVALID */
export function webhookUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) throw notHttps();
  if (url.username !== "" || url.password !== "" || url.hash !== "") {
    throw new SallyportError("REQUEST_INVALID", "A webhook's address has no user, password or #fragment.");
  }
  if (
    url.protocol === "http:" &&
    !isLoopback(url.hostname.replace(/^\[(.*)\]$/, "$1")) &&
    url.hostname !== "localhost"
  ) {
    throw notHttps();
  }
  return url;
}

/** What a receiver compares, in constant time, after it has looked at the age of `t`. */
function signature(secret: string, body: string, now: Date): string {
  const seconds = Math.floor(now.getTime() / 1000);
  const mac = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${mac}`;
}

async function send(target: string, signal: AbortSignal, init: BunFetchRequestInit): Promise<Response> {
  try {
    return await fetch(target, { ...init, redirect: "manual", keepalive: false, signal });
  } catch (error) {
    const why = signal.aborted ? "it does not answer in time" : describe(error);
    throw new SallyportError("REQUEST_REFUSED", `The webhook can't be reached: ${why}.`, {
      cause: error,
    });
  }
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

function notHttps(): SallyportError {
  return new SallyportError("REQUEST_INVALID", "A webhook's address begins with https://.");
}
