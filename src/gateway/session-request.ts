import type { GatewayCredentials } from "../pki/credentials.ts";
import { type Actor, type Grant, OID, parseActor, parseGrant, parseRouting } from "../pki/extensions.ts";
import { SallyportError } from "../telemetry/error.ts";
import { ALPN } from "../tunnel/alpn.ts";
import type { Certificate } from "../tunnel/tls/certificate.ts";
import type { Target } from "./target-resolve.ts";

export type SessionMode = "tcp" | "http" | "ping" | "health";

/** What a client may do with one tunnel: all of it is in its certificate and the protocol it chose. */
export interface SessionRequest {
  mode: SessionMode;
  /** Says how the dial went (EXTENSIONS X5). */
  statusLine: boolean;
  /** HTTP mode: failures carry the status that fits them. */
  exactStatus: boolean;
  actor: Actor;
  target: Target;
  grant: Grant | undefined;
  /** Of the client certificate, lower-case hex. */
  serial: string;
}

/** In our order of preference; the first that the client offers is taken. */
const MODES = new Map<string, SessionMode>([
  [ALPN.sallyportTcp, "tcp"],
  [ALPN.tcp, "tcp"],
  [ALPN.sallyportHttp, "http"],
  [ALPN.http, "http"],
  [ALPN.health, "health"],
  [ALPN.ping, "ping"],
]);

/** In which clients open several tunnels, each as with `sallyport-tcp/1`, comes before all of them. */
export const SESSION_ALPNS: string[] = [ALPN.sallyportMux, ...MODES.keys()];

/** Probes carry `health-check:443`, an empty target or none (PROTOCOL 0.2): it is never dialled. */
const NO_TARGET: Target = { host: "", port: 0 };

/**
 * Reads what the client asks for, and refuses what this gateway may not serve: a certificate made for another gateway
 * (EXTENSIONS X9), a revoked one, a grant that has ended (X10).
 * @throws SallyportError CERTIFICATE_REFUSED | MODE_UNSUPPORTED | SESSION_ENDED
 */
export function readSessionRequest(
  peer: Certificate,
  alpn: string | null,
  credentials: GatewayCredentials,
  now: Date,
): SessionRequest {
  if (!peer.commonName.endsWith(`:${credentials.gatewayId}`)) {
    throw new SallyportError("CERTIFICATE_REFUSED", "The client certificate was made for another gateway.");
  }
  if (isRevoked(peer.serial, credentials)) throw revoked();
  // The handshake has checked this, but may be long ago.
  if (peer.notAfter <= now) throw sessionEnded();
  const mode = alpn === null ? undefined : MODES.get(alpn);
  if (!mode) {
    throw new SallyportError(
      "MODE_UNSUPPORTED",
      "This gateway serves TCP, HTTP, ping and health, and nothing else.",
    );
  }
  const routing = peer.extension(OID.routing);
  const actor = peer.extension(OID.actor);
  const grant = peer.extension(OID.grant);
  const probe = mode === "ping" || mode === "health";
  if (!routing && !probe) {
    throw new SallyportError("CERTIFICATE_REFUSED", "The client certificate names no target.");
  }
  const request: SessionRequest = {
    mode,
    statusLine: alpn === ALPN.sallyportTcp,
    exactStatus: alpn === ALPN.sallyportHttp,
    actor: actor ? parseActor(actor) : { type: "unknown" },
    target: routing ? targetOf(routing) : NO_TARGET,
    grant: grant ? parseGrant(grant) : undefined,
    serial: peer.serial,
  };
  if (request.grant && request.grant.sessionEndsAt <= now) throw sessionEnded();
  return request;
}

export function isRevoked(serial: string, { gatewayId, revocations }: GatewayCredentials): boolean {
  return revocations?.serials.has(serial) || revocations?.gatewayIds.has(gatewayId) || false;
}

export function revoked(): SallyportError {
  return new SallyportError("SESSION_ENDED", "This access was revoked: ask for a new one.");
}

export function sessionEnded(): SallyportError {
  return new SallyportError("SESSION_ENDED", "The time of this access is over: ask for a new one.");
}

function targetOf(bytes: Uint8Array): Target {
  const { targetHost, targetPort } = parseRouting(bytes);
  return { host: targetHost, port: targetPort };
}
