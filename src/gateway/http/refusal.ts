import { STATUS_CODES } from "node:http";
import type { Code } from "../../telemetry/codes.ts";
import type { SallyportError } from "../../telemetry/error.ts";
import { formatAnswerHead } from "../../tunnel/http/head.ts";
import type { Refusal } from "../../tunnel/http/serve.ts";

/** What is not the gateway's or the target's fault; everything else is a 502 where the exact status is wanted. */
const STATUS: Partial<Record<Code, number>> = {
  REQUEST_INVALID: 400,
  TARGET_DENIED: 403,
  TIMEOUT: 408,
  INTERNAL: 500,
  RESOURCE_SHORTAGE: 503,
  DRAINING: 503,
  TARGET_TIMEOUT: 504,
};

/**
 * Failures have Infisical's shape, JSON with a `message`, and a `code` besides (PROTOCOL 0.2). What the client did
 * wrong is 4xx; other failures are its 500 unless the client knows better.
 * @param exact the client asked for `sallyport-http/1`: 403, 502, 503 and 504 as they fit
 */
export function refusalOf({ code, message }: SallyportError, exact: boolean): Refusal {
  const fitting = STATUS[code] ?? 502;
  const status = exact || code === "REQUEST_INVALID" || code === "TIMEOUT" ? fitting : 500;
  return {
    status,
    reason: STATUS_CODES[status] ?? "",
    contentType: "application/json",
    body: JSON.stringify({ message: `gateway: ${message}`, code }),
  };
}

/** The same where no request has come yet; the connection ends with it. */
export function wholeAnswer({ status, reason, contentType, body }: Refusal): Buffer {
  const bytes = Buffer.from(body);
  const fields = [
    { name: "Content-Type", value: contentType },
    { name: "Content-Length", value: String(bytes.length) },
    { name: "Connection", value: "close" },
  ];
  return Buffer.concat([formatAnswerHead({ status, reason, fields }), bytes]);
}
