import { z } from "zod";
import { type Code, isCode } from "../telemetry/codes.ts";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";
import { printable } from "./printable.ts";
import { isTrustError, untrustedError } from "./untrusted.ts";

/** PROTOCOL A: the envelope of every refusal; `code` comes from Sallyport's platform only. */
const refusalAnswer = z.object({
  message: z.string(),
  code: z.string().max(64).optional(),
  reqId: z.string().max(128).optional(),
});

const STATUS_CODES: Record<number, Code> = {
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
};

/** Of what a peer asks for: a day in a header must not silence an agent for a day. */
const LONGEST_RETRY_AFTER = 600;

/** The error for a response with a status of 400 and more: the platform's own words, its code where it sends one. */
export function refusalError(
  domain: string,
  { status, headers }: Pick<Response, "status" | "headers">,
  body: unknown,
  badRequest: Code = "PLATFORM_ERROR",
): SallyportError {
  const parsed = refusalAnswer.safeParse(body);
  const sent = parsed.success ? parsed.data.code : undefined;
  const meant = status === 400 ? badRequest : (STATUS_CODES[status] ?? "PLATFORM_ERROR");
  const code = sent !== undefined && isCode(sent) ? sent : meant;
  const words = parsed.success ? printable(parsed.data.message) : `HTTP ${status} without an explanation`;
  const retryAfter = secondsIn(headers.get("retry-after"));
  return new SallyportError(code, `${domain} refuses: ${words.replace(/\.$/, "")}.`, { retryAfter });
}

/** RFC 9110, 10.2.3; a date, which needs both clocks right, is passed over. */
function secondsIn(header: string | null): number | undefined {
  if (header === null || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(Number(header), LONGEST_RETRY_AFTER);
}

/** The error for a call that got no answer. A certificate that isn't trusted is named with its issuer and the flag. */
export async function unreachableError(
  domain: string,
  error: unknown,
  lookUpIssuer = true,
): Promise<SallyportError> {
  if (error instanceof SallyportError) return error;
  if (error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError")) {
    return new SallyportError("PLATFORM_UNREACHABLE", `${domain} does not answer in time.`, { cause: error });
  }
  if (isTrustError(error)) return await untrustedError(domain, error, lookUpIssuer);
  return new SallyportError("PLATFORM_UNREACHABLE", `Cannot reach ${domain}: ${whyUnreachable(error)}`, {
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there. Is the platform running, and is the address right?",
  ENOTFOUND: "its name can't be resolved. Is it written right, and does DNS work?",
  EPROTO: "what listens there speaks no TLS. Is it http:// instead of https://, or another port?",
  ECONNRESET: "it cut the connection. Is the address right, with http:// or https://, and its port?",
};

function whyUnreachable(error: unknown): string {
  const code = systemCode(error) ?? "";
  return REASONS[code] ?? `${describe(error).replace(/\.$/, "")}.`;
}
