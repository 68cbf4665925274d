import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { RELAY_FILES, REVOKED_FILE, type RelayIdentity } from "../identity.ts";
import { issueRelayServerLeaf } from "../leaf-profiles.ts";
import { readRevocations, renderRevocations } from "../revocation.ts";
import { issueRelayHostCertificate } from "../ssh-profiles.ts";
import type { Desk } from "./desk.ts";
import { sshHolder, x509Holder } from "./holder-keys.ts";
import { claimIdentityDirectory, writeIdentityDirectory } from "./identity-directory.ts";
import type { Issued } from "./issued.ts";
import { writeLedger } from "./ledger.ts";
import { trustOf } from "./trust.ts";

export interface RelayOrder {
  /** Checked by `requireRelayName`. */
  name: string;
  /** Checked by `requireDialHost`. */
  host: string;
  sshPort: number;
  tlsPort: number;
  out: string;
  ttlSeconds: number;
  /** PEM; without it the key is made here. */
  csr?: string | undefined;
  sshPublicKey?: string | undefined;
}

/**
 * Issues a relay's directory. The same name again is the same relay: it keeps its id, and its older certificates stay
 * valid until they expire.
 * @throws SallyportError ALREADY_EXISTS, CONFIG_INVALID, FILE_UNWRITABLE
 */
export async function issueRelay(desk: Desk, order: RelayOrder): Promise<Issued<RelayIdentity>> {
  const { ca, ledger, now } = desk;
  const { name, host, sshPort, tlsPort, ttlSeconds } = order;
  const tlsKey = await x509Holder(order.csr, ca.keyType);
  const sshKey = await sshHolder(order.sshPublicKey, ca.keyType);
  const leaf = await issueRelayServerLeaf(ca.organisation.relayServer, {
    host,
    organisation: ca.orgId,
    publicKey: tlsKey.publicKey,
    ttlSeconds,
    now,
  });
  const hostCertificate = issueRelayHostCertificate(ca.organisation.sshServer, {
    host,
    sshPort,
    publicBlob: sshKey.publicBlob,
    ttlSeconds,
    now,
  });
  const known = ledger.relays.find((relay) => relay.name === name);
  const expiresAt = leaf.notAfter.toISOString();
  const identity: RelayIdentity = {
    version: 1,
    role: "relay",
    relayId: known?.id ?? randomUUID(),
    relayName: name,
    host,
    sshPort,
    tlsPort,
    orgId: ca.orgId,
    expiresAt,
  };
  const directory = resolve(order.out);
  await claimIdentityDirectory(directory, identity);
  const serials = [leaf.serial, `ssh:${hostCertificate.serial}`];
  const entry = {
    ...{ id: identity.relayId, name, host, sshPort, tlsPort, directory },
    certificates: [
      ...(known?.certificates ?? []),
      ...serials.map((serial) => ({ serial, issuedAt: now.toISOString(), expiresAt })),
    ],
  };
  ledger.relays = [...ledger.relays.filter((relay) => relay !== known), entry];
  // The ledger comes first: no certificate may exist that can't be found to be revoked.
  await writeLedger(desk.directory, ledger, now);
  const trust = trustOf(ca);
  await writeIdentityDirectory(directory, identity, {
    [REVOKED_FILE]: renderRevocations(await readRevocations(desk.directory)),
    [RELAY_FILES.key]: tlsKey.privateKeyPem,
    [RELAY_FILES.hostKey]: sshKey.privateKey,
    [RELAY_FILES.certificate]: leaf.certificate,
    [RELAY_FILES.clientAuthorities]: trust.relayClient,
    [RELAY_FILES.hostCertificate]: hostCertificate.line,
    [RELAY_FILES.userAuthorities]: trust.sshClient.join("\n"),
  });
  const missingKeys = [
    ...(tlsKey.privateKeyPem === undefined ? [RELAY_FILES.key] : []),
    ...(sshKey.privateKey === undefined ? [RELAY_FILES.hostKey] : []),
  ];
  return { identity, directory, serials, missingKeys };
}
