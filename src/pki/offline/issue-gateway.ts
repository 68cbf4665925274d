import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { GATEWAY_FILES, type GatewayIdentity, REVOKED_FILE } from "../identity.ts";
import { issueGatewayServerLeaf } from "../leaf-profiles.ts";
import { readRevocations, renderRevocations } from "../revocation.ts";
import { issueGatewayUserCertificate } from "../ssh-profiles.ts";
import { chooseRelays, type RelayChoice } from "./choose-relays.ts";
import type { Desk } from "./desk.ts";
import { sshHolder, x509Holder } from "./holder-keys.ts";
import { claimIdentityDirectory, writeIdentityDirectory } from "./identity-directory.ts";
import type { Issued } from "./issued.ts";
import { writeLedger } from "./ledger.ts";
import { trustOf } from "./trust.ts";

export interface GatewayOrder {
  /** Checked by `requireGatewayName`. */
  name: string;
  relays: RelayChoice;
  out: string;
  ttlSeconds: number;
  csr?: string | undefined;
  sshPublicKey?: string | undefined;
}

/**
 * Issues a gateway's directory. The same name again is the same gateway in its next generation, which relays prefer;
 * a name that was revoked becomes a new gateway.
 * @throws SallyportError ALREADY_EXISTS, CONFIG_INVALID, FILE_UNWRITABLE, NOT_FOUND, USAGE
 */
export async function issueGateway(desk: Desk, order: GatewayOrder): Promise<Issued<GatewayIdentity>> {
  const { ca, ledger, now } = desk;
  const { name, ttlSeconds } = order;
  const relays = chooseRelays(ledger, order.relays);
  const known = ledger.gateways.find((gateway) => gateway.name === name);
  const gatewayId = known?.id ?? randomUUID();
  const generation = (known?.generation ?? 0) + 1;
  const tlsKey = await x509Holder(order.csr, ca.keyType);
  const sshKey = await sshHolder(order.sshPublicKey, ca.keyType);
  const leaf = await issueGatewayServerLeaf(ca.organisation.gatewayServer, {
    orgId: ca.orgId,
    gatewayId,
    publicKey: tlsKey.publicKey,
    ttlSeconds,
    now,
  });
  const sshCertificates = relays.map(({ relayName }) => ({
    file: GATEWAY_FILES.sshCertificate(relayName),
    ...issueGatewayUserCertificate(ca.organisation.sshClient, {
      gatewayId,
      gatewayName: name,
      relayName,
      publicBlob: sshKey.publicBlob,
      ttlSeconds,
      generation,
      orgId: ca.orgId,
      now,
    }),
  }));
  const expiresAt = leaf.notAfter.toISOString();
  const identity: GatewayIdentity = {
    version: 1,
    role: "gateway",
    gatewayId,
    gatewayName: name,
    relays,
    orgId: ca.orgId,
    expiresAt,
  };
  const directory = resolve(order.out);
  await claimIdentityDirectory(directory, identity);
  const serials = [leaf.serial, ...sshCertificates.map(({ serial }) => `ssh:${serial}`)];
  const entry = {
    ...{ id: gatewayId, name, generation, relays, directory },
    certificates: [
      ...(known?.certificates ?? []),
      ...serials.map((serial) => ({ serial, issuedAt: now.toISOString(), expiresAt })),
    ],
  };
  ledger.gateways = [...ledger.gateways.filter((gateway) => gateway !== known), entry];
  await writeLedger(desk.directory, ledger, now);
  const trust = trustOf(ca);
  await writeIdentityDirectory(directory, identity, {
    [REVOKED_FILE]: renderRevocations(await readRevocations(desk.directory)),
    [GATEWAY_FILES.key]: tlsKey.privateKeyPem,
    [GATEWAY_FILES.sshKey]: sshKey.privateKey,
    [GATEWAY_FILES.certificate]: leaf.certificate,
    [GATEWAY_FILES.clientAuthorities]: trust.gatewayClient,
    [GATEWAY_FILES.hostAuthorities]: trust.sshServer.join("\n"),
    ...Object.fromEntries(sshCertificates.map(({ file, line }) => [file, line])),
  });
  const missingKeys = [
    ...(tlsKey.privateKeyPem === undefined ? [GATEWAY_FILES.key] : []),
    ...(sshKey.privateKey === undefined ? [GATEWAY_FILES.sshKey] : []),
  ];
  return { identity, directory, serials, missingKeys };
}
