import { constants } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type { X509Identity } from "../../pki/credentials.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";

/** Contexts kept: reading the PEM texts anew costs a good part of a dial. */
const KEPT = 16;
const kept = new Map<string, SecureContext>();

/** TLS 1.3 only, without session tickets. @throws SallyportError CONFIG_INVALID */
export function secureContext(identity: X509Identity, authorities: string): SecureContext {
  const name = `${identity.certificate}${identity.privateKey}${authorities}`;
  const known = kept.get(name);
  if (known) return known;
  try {
    const context = createSecureContext({
      cert: identity.certificate,
      key: identity.privateKey,
      ca: authorities,
      minVersion: "TLSv1.3",
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
    const oldest = kept.keys().next().value;
    if (kept.size >= KEPT && oldest !== undefined) kept.delete(oldest);
    kept.set(name, context);
    return context;
  } catch (cause) {
    throw new SallyportError("CONFIG_INVALID", `The TLS credentials cannot be used: ${describe(cause)}.`, {
      cause,
    });
  }
}
