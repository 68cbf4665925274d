import { constants } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type { X509Identity } from "../../pki/credentials.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { TLS_1_2_SUITES } from "./record-keys-1.2.ts";

/** Contexts kept: reading the PEM texts anew costs a good part of a dial. */
const KEPT = 16;
const kept = new Map<string, SecureContext>();

export interface ContextOptions {
  /** Also TLS 1.2, with the suites whose records we know (record-keys-1.2.ts). */
  oldClients?: boolean;
  /** Key agreement, in order; BoringSSL's own order unless told: X25519MLKEM768 first. */
  groups?: string;
}

/**
 * TLS 1.3, without session tickets, and without authorities: the peer's certificate is judged by our own rules
 * (trust-bundle.ts), which remember signatures. BoringSSL would check every one of them again at each handshake, a good
 * half of its time.
 * @throws SallyportError CONFIG_INVALID
 */
export function secureContext(
  identity: X509Identity,
  { oldClients = false, groups }: ContextOptions = {},
): SecureContext {
  const name = `${oldClients}${groups}${identity.certificate}${identity.privateKey}`;
  const known = kept.get(name);
  if (known) return known;
  try {
    const context = createSecureContext({
      cert: identity.certificate,
      key: identity.privateKey,
      ca: "",
      minVersion: oldClients ? "TLSv1.2" : "TLSv1.3",
      ...(oldClients && { ciphers: TLS_1_2_SUITES }),
      ...(groups !== undefined && { ecdhCurve: groups }),
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
