import { z } from "zod";
import { SallyportError } from "../telemetry/error.ts";

/**
 * The X.509 extensions of PROTOCOL C.3 and EXTENSIONS X10. Their values are raw UTF-8 JSON directly in the extnValue
 * octet string, without inner ASN.1, and they are never critical.
 */
export const OID = {
  routing: "1.3.6.1.4.1.12345.100.1",
  actor: "1.3.6.1.4.1.12345.100.2",
  /** On the outer client certificate. Infisical uses the same number for PAM sessions on the inner one. */
  gateway: "1.3.6.1.4.1.12345.100.3",
  grant: "1.3.6.1.4.1.12345.100.16",
} as const;

/** The URI that names a gateway in its server certificate, followed by its id (EXTENSIONS X9). */
export const GATEWAY_URI_PREFIX = "spiffe://sallyport/gateway/";

export interface Routing {
  /** May be empty, and may carry a scheme in HTTP mode; whether it may be dialled is the target policy's matter. */
  targetHost: string;
  targetPort: number;
}

export interface Actor {
  type: string;
  id?: string;
  name?: string;
}

export interface GatewayInfo {
  name: string;
}

export interface Grant {
  grantId: string;
  sessionEndsAt: Date;
}

const SIZE_LIMIT = 4096;
/** Control and format characters, line and paragraph separators: none may reach a log line or a resolver. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const text = (limit: number) =>
  z
    .string()
    .max(limit)
    .refine((value) => !INVISIBLE.test(value), "control characters");
const optionalText = (limit: number) =>
  text(limit)
    .nullish()
    .transform((value) => value ?? undefined);

const routing = z.object({
  targetHost: text(1024).refine((value) => !/\s/.test(value), "white space"),
  targetPort: z.number().int().min(0).max(65_535),
});
const actor = z.object({ type: text(64).min(1), id: optionalText(256), name: optionalText(256) });
const grant = z.object({
  grantId: text(128).min(1),
  sessionEndsAt: z.iso.datetime({ offset: true }).transform((value) => new Date(value)),
});

/** @throws SallyportError CERTIFICATE_REFUSED */
export function parseRouting(bytes: Uint8Array): Routing {
  return parse("routing", routing, bytes);
}

/** @throws SallyportError CERTIFICATE_REFUSED */
export function parseActor(bytes: Uint8Array): Actor {
  const { type, id, name } = parse("actor", actor, bytes);
  return { type, ...(id !== undefined && { id }), ...(name !== undefined && { name }) };
}

/** @throws SallyportError CERTIFICATE_REFUSED */
export function parseGrant(bytes: Uint8Array): Grant {
  return parse("grant", grant, bytes);
}

function parse<T>(what: string, schema: z.ZodType<T>, bytes: Uint8Array): T {
  if (bytes.length > SIZE_LIMIT) throw refuse(what, "is larger than 4 KiB");
  const result = schema.safeParse(readJson(what, bytes));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw refuse(what, `has a wrong ${issue?.path.join(".") || "shape"}: ${issue?.message ?? "not an object"}`);
}

function readJson(what: string, bytes: Uint8Array): unknown {
  try {
    // A byte order mark is kept, so that it is refused as the JSON error that it is.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw refuse(what, "is not JSON in UTF-8", cause);
  }
}

function refuse(what: string, why: string, cause?: unknown): SallyportError {
  return new SallyportError("CERTIFICATE_REFUSED", `The certificate's ${what} extension ${why}`, { cause });
}
