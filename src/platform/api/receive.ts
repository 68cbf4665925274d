import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { SallyportError } from "../../telemetry/error.ts";
import { within } from "../services/deadline.ts";
import type { ApiEnv } from "./env.ts";
import { holdsNul } from "./nul.ts";
import { SlowRequest } from "./refusals.ts";

interface ReceiveLimits {
  /** Of one body. */
  bytes: number;
  /** From the end of the head to the end of the body, however busily its bytes come. */
  milliseconds: number;
  /** Of all bodies that are not complete. */
  bytesInAll: number;
}

/**
 * The whole body, before anything looks at the request: a slow sender holds no place that an honest one needs, and can't
 * wait for its rights to change meanwhile.
 */
export function receiveBodies(limits: ReceiveLimits) {
  let pending = 0;
  const receive = async (body: ReadableStream<Uint8Array>): Promise<Buffer<ArrayBuffer>> => {
    const reader = body.getReader();
    const chunks: Uint8Array[] = [];
    let length = 0;
    const read = async () => {
      for (;;) {
        const { value, done } = await reader.read().catch(notArrived);
        if (done) return Buffer.concat(chunks);
        length += value.length;
        pending += value.length;
        if (length > limits.bytes) throw tooLarge(limits);
        if (pending > limits.bytesInAll) {
          throw new SallyportError("RESOURCE_SHORTAGE", "The platform is busy: try again in a moment.");
        }
        chunks.push(value);
      }
    };
    try {
      return await within(limits.milliseconds, read(), () => new SlowRequest());
    } finally {
      pending -= length;
      reader.releaseLock();
    }
  };
  return createMiddleware<ApiEnv>(async (c, next) => {
    const { body } = c.req.raw;
    if (/%00/.test(c.req.raw.url)) throw unstorable();
    let isEmpty = body === null;
    if (body !== null) {
      if (Number(c.req.header("content-length") ?? 0) > limits.bytes) throw tooLarge(limits);
      const bytes = await receive(body);
      if (holdsNul(bytes)) throw unstorable();
      isEmpty = bytes.length === 0;
      if (!isEmpty) keep(c, bytes);
    }
    if (isEmpty) forgetType(c);
    await next();
  });
}

/** Whatever parses the request finds these bytes. */
function keep(c: Context<ApiEnv>, body: Uint8Array<ArrayBuffer>): void {
  c.req.raw = new Request(c.req.raw, { body });
}

/** Of no body: many a caller names a type for all of its requests, and nothing is no JSON. */
function forgetType(c: Context<ApiEnv>): void {
  const { url, method, signal } = c.req.raw;
  const headers = new Headers(c.req.raw.headers);
  if (!headers.has("content-type")) return;
  headers.delete("content-type");
  c.req.raw = new Request(url, { method, headers, signal });
}

/** The caller went away, or broke the rules of HTTP. */
function notArrived(cause: unknown): never {
  throw new SallyportError("REQUEST_INVALID", "The body did not arrive.", { cause });
}

function unstorable(): SallyportError {
  return new SallyportError("REQUEST_INVALID", "No text in a request may hold the character NUL.");
}

function tooLarge({ bytes }: ReceiveLimits): SallyportError {
  return new SallyportError("REQUEST_TOO_LARGE", `The body is larger than ${bytes / 1024} KiB.`);
}
