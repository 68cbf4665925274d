import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { SallyportError } from "../../telemetry/error.ts";
import { CLIENT_FILES, type ClientIdentity } from "../identity.ts";
import { issueGatewayClientLeaf, issueRelayClientLeaf } from "../leaf-profiles.ts";
import type { Desk } from "./desk.ts";
import { x509Holder } from "./holder-keys.ts";
import { claimIdentityDirectory, writeIdentityDirectory } from "./identity-directory.ts";
import type { Issued } from "./issued.ts";
import { type IssuedGateway, type Ledger, writeLedger } from "./ledger.ts";
import { trustOf } from "./trust.ts";

export interface ClientOrder {
  gatewayName: string;
  /** Through which of the gateway's relays; its first one unless told. */
  relayName?: string | undefined;
  target: { host: string; port: number };
  out: string;
  ttlSeconds: number;
  /** One request for both certificates. */
  csr?: string | undefined;
}

const TLS_PORT = 8443;

/**
 * Issues what reaches one target behind one gateway. Each issue is a client of its own.
 * @throws SallyportError NOT_FOUND, ALREADY_EXISTS, CONFIG_INVALID, FILE_UNWRITABLE
 */
export async function issueClient(desk: Desk, order: ClientOrder): Promise<Issued<ClientIdentity>> {
  const { ca, ledger, now } = desk;
  const { gatewayName, target, ttlSeconds } = order;
  const gateway = ledger.gateways.find(({ name }) => name === gatewayName);
  if (!gateway) {
    throw new SallyportError(
      "NOT_FOUND",
      `This CA has issued no gateway ${gatewayName}: "sallyport ca show" lists those it has`,
    );
  }
  const relay = relayOf(ledger, gateway, order.relayName);
  const clientId = randomUUID();
  const outerKey = await x509Holder(order.csr, ca.keyType);
  const innerKey = await x509Holder(order.csr, ca.keyType);
  const outer = await issueRelayClientLeaf(ca.organisation.relayClient, {
    gatewayId: gateway.id,
    gatewayName,
    orgId: ca.orgId,
    orgName: ca.orgName,
    publicKey: outerKey.publicKey,
    ttlSeconds,
    now,
  });
  const inner = await issueGatewayClientLeaf(ca.organisation.gatewayClient, {
    orgId: ca.orgId,
    gatewayId: gateway.id,
    actor: { type: "user", id: clientId },
    target,
    publicKey: innerKey.publicKey,
    ttlSeconds,
    now,
  });
  const expiresAt = inner.notAfter.toISOString();
  const identity: ClientIdentity = {
    version: 1,
    role: "client",
    clientId,
    gatewayId: gateway.id,
    gatewayName,
    ...relay,
    target,
    orgId: ca.orgId,
    expiresAt,
  };
  const directory = resolve(order.out);
  await claimIdentityDirectory(directory, identity);
  const serials = [inner.serial, outer.serial];
  ledger.clients.push({
    ...{ id: clientId, gatewayId: gateway.id, gatewayName, target, directory },
    certificates: serials.map((serial) => ({ serial, issuedAt: now.toISOString(), expiresAt })),
  });
  await writeLedger(desk.directory, ledger, now);
  const trust = trustOf(ca);
  await writeIdentityDirectory(directory, identity, {
    [CLIENT_FILES.relayKey]: outerKey.privateKeyPem,
    [CLIENT_FILES.gatewayKey]: innerKey.privateKeyPem,
    [CLIENT_FILES.relayCertificate]: outer.certificate,
    [CLIENT_FILES.gatewayCertificate]: inner.certificate,
    [CLIENT_FILES.relayAuthorities]: trust.relayServer,
    [CLIENT_FILES.gatewayAuthorities]: trust.gatewayServer,
  });
  const missingKeys = order.csr === undefined ? [] : [CLIENT_FILES.relayKey, CLIENT_FILES.gatewayKey];
  return { identity, directory, serials, missingKeys };
}

function relayOf(
  ledger: Ledger,
  gateway: IssuedGateway,
  wanted: string | undefined,
): { relayName: string; relayHost: string; relayPort: number } {
  const chosen = gateway.relays.find(({ relayName }) => wanted === undefined || relayName === wanted);
  if (!chosen) {
    const list = gateway.relays.map(({ relayName }) => relayName).join(", ");
    throw new SallyportError(
      "NOT_FOUND",
      `The gateway ${gateway.name} dials no relay ${wanted}, only ${list}`,
    );
  }
  const { relayName } = chosen;
  const known = ledger.relays.find(({ name }) => name === relayName);
  return { relayName, relayHost: known?.host ?? chosen.host, relayPort: known?.tlsPort ?? TLS_PORT };
}
