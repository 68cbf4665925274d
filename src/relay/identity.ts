import type { Revocations } from "../pki/credentials.ts";
import type { EndedSerials } from "../pki/ended-serials.ts";
import { extensionText, type SshCertificate } from "../pki/ssh-certificate.ts";
import { SallyportError } from "../telemetry/error.ts";

/** What the relay takes from a gateway's user certificate, once its signature has been verified. */
export interface GatewayIdentity {
  gatewayId: string;
  /** Second principal, where the platform put one (PROTOCOL C.4). For people only. */
  gatewayName: string | undefined;
  /** EXTENSIONS X9; Infisical's certificates carry none. */
  orgId: string | undefined;
  /** EXTENSIONS X3; 0 where the certificate carries none. */
  generation: number;
  serial: bigint;
  /** Wall-clock milliseconds after which the certificate no longer counts. */
  expiresAt: number;
}

/** The part of a client's certificate that decides where it may go. */
export interface ClientIdentity {
  commonName: string;
  organisation: string;
  serial: string;
}

export interface RelayIdentity {
  relayName: string;
  revocations: Revocations | undefined;
  /** Of client certificates whose access the platform has ended. */
  endedSerials?: Pick<EndedSerials, "has">;
}

/** CN of the platform's health probe (PROTOCOL D, stage 1). It names no gateway. */
export const HEARTBEAT_ID = "00000000-0000-0000-0000-000000000000";

const GATEWAY_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The checks of PROTOCOL 0.1 and EXTENSIONS X9 that are the relay's own, on top of those of every SSH server: the
 * username is the first principal and a gateway id, the key id names this relay, nothing of it is revoked.
 * @throws SallyportError CERTIFICATE_REFUSED, GATEWAY_REVOKED
 */
export function identifyGateway(
  username: string,
  certificate: SshCertificate,
  relay: RelayIdentity,
): GatewayIdentity {
  const [gatewayId, gatewayName] = certificate.principals;
  if (gatewayId !== username) throw refused("the user name is not its first principal");
  if (!isGatewayId(gatewayId)) throw refused("its first principal is no gateway id");
  if (certificate.keyId !== `client-${relay.relayName}`) {
    throw refused(`its key id is not client-${relay.relayName}: it was issued for another relay`);
  }
  const { revocations } = relay;
  if (revocations?.gatewayIds.has(gatewayId) || revocations?.serials.has(`ssh:${certificate.serial}`)) {
    throw gatewayRevoked(gatewayId);
  }
  return {
    gatewayId,
    gatewayName,
    orgId: ownExtension(certificate, "org@sallyport"),
    generation: generationOf(certificate),
    serial: certificate.serial,
    expiresAt: Number(certificate.validBefore) * 1000,
  };
}

/**
 * Which gateway a client asks for. HEARTBEAT_ID is a legal answer.
 * @throws SallyportError CERTIFICATE_REFUSED, GATEWAY_REVOKED
 */
export function identifyClient(peer: ClientIdentity, relay: RelayIdentity): { gatewayId: string } {
  if (relay.revocations?.serials.has(peer.serial) || relay.endedSerials?.has(peer.serial)) {
    throw new SallyportError("CERTIFICATE_REFUSED", "This access has been revoked; ask for a new one.");
  }
  const gatewayId = peer.commonName;
  if (gatewayId !== HEARTBEAT_ID && !isGatewayId(gatewayId)) throw refused("its CN is no gateway id");
  if (relay.revocations?.gatewayIds.has(gatewayId)) throw gatewayRevoked(gatewayId);
  return { gatewayId };
}

export function gatewayRevoked(gatewayId: string): SallyportError {
  return new SallyportError("GATEWAY_REVOKED", `The gateway ${gatewayId} is revoked; enroll it again.`);
}

/**
 * A client's organisation is `<name>-<id>` (PROTOCOL C.3) and has to be the gateway's, where its session carries one.
 * @throws SallyportError CERTIFICATE_REFUSED
 */
export function requireSameOrganisation(peer: ClientIdentity, orgId: string | undefined): void {
  if (orgId === undefined || peer.organisation.endsWith(`-${orgId}`)) return;
  throw refused("it belongs to another organisation than the gateway");
}

export function isGatewayId(text: string | undefined): text is string {
  return text !== undefined && text !== HEARTBEAT_ID && GATEWAY_ID.test(text);
}

function generationOf(certificate: SshCertificate): number {
  const text = ownExtension(certificate, "generation@sallyport");
  if (text === undefined) return 0;
  if (!/^\d{1,15}$/.test(text)) throw refused("its generation is no number");
  return Number(text);
}

/** An extension that is there but can't be read must not count as absent: its check would be skipped. */
function ownExtension(certificate: SshCertificate, name: string): string | undefined {
  const text = extensionText(certificate, name);
  if (text === undefined && certificate.extensions.has(name))
    throw refused(`its extension ${name} is malformed`);
  return text;
}

function refused(why: string): SallyportError {
  return new SallyportError("CERTIFICATE_REFUSED", `The relay refuses the certificate: ${why}.`);
}
