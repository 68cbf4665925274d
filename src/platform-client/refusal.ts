import { connect } from "node:tls";
import { z } from "zod";
import { type Code, isCode } from "../telemetry/codes.ts";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";

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

/** The error for an HTTP status of 400 and more: the platform's own words, its code where it sends one. */
export function refusalError(
  domain: string,
  status: number,
  body: unknown,
  badRequest: Code = "PLATFORM_ERROR",
): SallyportError {
  const parsed = refusalAnswer.safeParse(body);
  const sent = parsed.success ? parsed.data.code : undefined;
  const meant = status === 400 ? badRequest : (STATUS_CODES[status] ?? "PLATFORM_ERROR");
  const code = sent !== undefined && isCode(sent) ? sent : meant;
  const words = parsed.success ? printable(parsed.data.message) : `HTTP ${status} without an explanation`;
  return new SallyportError(code, `${domain} refuses: ${words.replace(/\.$/, "")}.`);
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
  if (isTrustError(error)) {
    const issuer = lookUpIssuer ? await issuerOf(domain) : undefined;
    return new SallyportError(
      "TLS_UNTRUSTED",
      `The certificate of ${domain}${issuer ? `, issued by ${JSON.stringify(issuer)},` : ""} is not trusted ` +
        `(${describe(error)}): give the authority's certificate with --ca-file or SALLYPORT_CA_FILE.`,
      { cause: error },
    );
  }
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

function isTrustError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/.test(code);
}

/** Looks at the certificate without trusting it, only to name who issued it. Nothing is sent. */
function issuerOf(domain: string): Promise<string | undefined> {
  const url = new URL(domain);
  return new Promise((resolve) => {
    const socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || 443),
      servername: /^[\d.]+$|:/.test(url.hostname) ? "" : url.hostname,
      rejectUnauthorized: false,
      timeout: 3000,
    });
    const finish = (issuer: string | undefined) => {
      socket.destroy();
      resolve(issuer);
    };
    socket.once("secureConnect", () => {
      const issuer = socket.getPeerCertificate().issuer;
      const shown = issuer?.CN ?? issuer?.O;
      finish(shown === undefined ? undefined : printable([shown].flat().join(" ")));
    });
    socket.once("timeout", () => finish(undefined));
    socket.once("error", () => finish(undefined));
  });
}

/** At most 300 characters of a peer's text, on one line. */
function printable(text: string): string {
  return text
    .replace(/[^\P{C}]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 300);
}
