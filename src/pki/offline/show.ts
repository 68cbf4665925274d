import { X509Certificate } from "node:crypto";
import type { X509Authority } from "../x509-authority.ts";
import type { Desk } from "./desk.ts";
import { type IssuedCertificate, validUntil } from "./ledger.ts";

export interface AuthoritySummary {
  name: string;
  expiresAt: string;
  /** SHA-256 of the certificate. */
  fingerprint: string;
}

export interface HolderSummary {
  role: "relay" | "gateway" | "client";
  name: string;
  id: string;
  /** What it is for: a relay's addresses, a gateway's relays, a client's target. */
  detail: string;
  directory: string;
  /** Null when nothing it has is valid any more. */
  expiresAt: string | null;
  serials: string[];
}

export interface Summary {
  orgId: string;
  orgName: string;
  createdAt: string;
  keyType: string;
  authorities: AuthoritySummary[];
  /** When authorities were replaced that are still trusted. */
  rotations: string[];
  issued: HolderSummary[];
}

/** What a CA is and what it has issued; nothing secret. */
export function summarise({ ca, ledger, now }: Desk): Summary {
  const { instance, organisation } = ca;
  const x509 = [
    instance.rootRelay,
    instance.organisationRelay,
    organisation.relayClient,
    organisation.relayServer,
    organisation.gatewayRoot,
    organisation.gatewayServer,
    organisation.gatewayClient,
  ];
  const validity = (certificates: IssuedCertificate[]) => ({
    expiresAt: validUntil(certificates, now)?.toISOString() ?? null,
    serials: certificates.map(({ serial }) => serial),
  });
  return {
    orgId: ca.orgId,
    orgName: ca.orgName,
    createdAt: ca.createdAt,
    keyType: ca.keyType,
    authorities: x509.map(describeAuthority),
    rotations: [...new Set(ca.retired.map(({ retiredAt }) => retiredAt))],
    issued: [
      ...ledger.relays.map(
        ({ id, name, host, sshPort, tlsPort, directory, certificates }): HolderSummary => ({
          ...{ role: "relay", id, name, directory, ...validity(certificates) },
          detail: `${host} ssh ${sshPort} tls ${tlsPort}`,
        }),
      ),
      ...ledger.gateways.map(
        ({ id, name, relays, directory, certificates }): HolderSummary => ({
          ...{ role: "gateway", id, name, directory, ...validity(certificates) },
          detail: `via ${relays.map(({ relayName }) => relayName).join(", ")}`,
        }),
      ),
      ...ledger.clients.map(
        ({ id, gatewayName, target, directory, certificates }): HolderSummary => ({
          ...{ role: "client", id, name: gatewayName, directory, ...validity(certificates) },
          detail: `${target.host} port ${target.port}`,
        }),
      ),
    ],
  };
}

function describeAuthority({ name, certificatePem, notAfter }: X509Authority): AuthoritySummary {
  const fingerprint = new X509Certificate(certificatePem).fingerprint256;
  return { name, expiresAt: notAfter.toISOString(), fingerprint };
}
