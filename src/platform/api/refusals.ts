import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Code, isCode } from "../../telemetry/codes.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { ApiEnv } from "./env.ts";

/** PROTOCOL A. A code that is not here is a fault of ours: 500. */
const STATUS: Partial<Record<Code, ContentfulStatusCode>> = {
  REQUEST_INVALID: 400,
  REQUEST_REFUSED: 400,
  ENROLLMENT_TOKEN_INVALID: 400,
  NAME_INVALID: 400,
  ALREADY_EXISTS: 400,
  LIMIT_REACHED: 400,
  GATEWAY_NOT_CONNECTED: 400,
  GATEWAY_REVOKED: 400,
  GATEWAY_BUSY: 400,
  RELAY_UNREACHABLE: 400,
  CERTIFICATE_REFUSED: 400,
  TLS_FAILED: 400,
  TLS_UNTRUSTED: 400,
  DRAINING: 400,
  MODE_UNSUPPORTED: 400,
  TIMEOUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  REQUEST_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  RESOURCE_SHORTAGE: 503,
  DATABASE_UNAVAILABLE: 503,
};

/** Seconds, unless the refusal knows better: what keeps a request from being served is gone within moments, or lasts. */
const RETRY_AFTER = 1;

const NAMES: Record<number, string> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  408: "RequestTimeout",
  409: "Conflict",
  413: "PayloadTooLarge",
  422: "ValidationFailure",
  429: "RateLimitExceeded",
  503: "ServiceUnavailable",
};

/** Why is for the log. */
const NO_DATABASE = "The platform's database does not answer: try again in a moment.";

/** Thrown by the validation of a request. */
export class ValidationFailure extends SallyportError {
  constructor(message: string) {
    super("REQUEST_INVALID", message);
  }
}

/** Thrown when a body is not here in time. */
export class SlowRequest extends SallyportError {
  constructor() {
    super("TIMEOUT", "The body took too long to arrive: send it again.");
  }
}

/** Every refusal in the one envelope (PROTOCOL A). What went wrong inside is logged, never answered. */
export function answerRefusal(c: Context<ApiEnv>, error: unknown, log: Logger): Response {
  const { status, code, message } = read(error);
  const retryAfter = error instanceof SallyportError ? error.retryAfter : undefined;
  const reqId = c.get("reqId");
  if (status >= 500) {
    log.error("A request failed", {
      ...{ reqId, code, method: c.req.method, path: c.req.path },
      reason: describe(error),
    });
  }
  // The body may be unread still: without this a slow sender keeps its connection for as long as it likes.
  if (status === 408 || status === 413 || status === 503) c.header("Connection", "close");
  if (status === 429 || status === 503) c.header("Retry-After", String(retryAfter ?? RETRY_AFTER));
  return c.json(
    { reqId, statusCode: status, message, error: NAMES[status] ?? "InternalServerError", code },
    status,
  );
}

/** What a refusal with this status can mean. */
export function codesOf(status: number): Code[] {
  if (status === 408) return ["TIMEOUT"];
  if (status === 422) return ["REQUEST_INVALID"];
  if (status === 500) return ["INTERNAL"];
  return Object.entries(STATUS).flatMap(([code, its]) => (its === status && isCode(code) ? code : []));
}

function read(error: unknown): { status: ContentfulStatusCode; code: Code; message: string } {
  if (error instanceof ValidationFailure) return { status: 422, code: error.code, message: error.message };
  if (error instanceof SlowRequest) return { status: 408, code: error.code, message: error.message };
  if (error instanceof SallyportError) {
    const status = STATUS[error.code];
    const message = error.code === "DATABASE_UNAVAILABLE" ? NO_DATABASE : error.message;
    if (status !== undefined) return { status, code: error.code, message };
  }
  if (error instanceof HTTPException && error.status < 500) {
    return { status: 400, code: "REQUEST_INVALID", message: "The body is not JSON." };
  }
  return {
    status: 500,
    code: "INTERNAL",
    message: "Something went wrong in the platform: its log says more under this reqId.",
  };
}
