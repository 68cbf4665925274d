import { SallyportError } from "../../../telemetry/error.ts";
import { type IssuedCertificate, insertIssued } from "../../store/issued-certificates.ts";
import { declareRelayPorts, findRelay, type RelayRow, storeRelayTrust } from "../../store/relays.ts";
import type { RelayActor } from "../actors.ts";
import { issueForRelay, subjectKey, subjectSshKey } from "../authorities/issuing.ts";
import type { Core } from "../core.ts";
import { noteConnect } from "../health/connect.ts";

/** EXTENSIONS X1, X2; Infisical's relay sends none of it. */
export interface RelayConnectRequest {
  csr?: string | undefined;
  sshPublicKey?: string | undefined;
  sshPort?: number | undefined;
  tlsPort?: number | undefined;
}

export interface RelayConnectAnswer {
  relayId: string;
  /** With a request of ours: what is on record, which decides the certificates. */
  relayName?: string;
  relayHost?: string;
  pki: { serverCertificate: string; serverPrivateKey?: string; clientCertificateChain: string };
  ssh: { serverCertificate: string; serverPrivateKey?: string; clientCAPublicKey: string };
}

/**
 * Gives an organisation's relay its certificates for the host on record, and remembers its ports (PROTOCOL A.2).
 * @throws SallyportError NOT_FOUND, REQUEST_INVALID, UNAUTHENTICATED when revoked meanwhile
 */
export async function connectRelay(
  core: Core,
  actor: RelayActor,
  request: RelayConnectRequest,
): Promise<RelayConnectAnswer> {
  const relay = await findRelay(core.store.read, actor.relayId);
  if (!relay) throw new SallyportError("NOT_FOUND", "There is no such relay.");
  const ports = { ssh_port: request.sshPort ?? null, tls_port: request.tlsPort ?? null };
  const { answer, issued, trusts } = await certify(core, { ...relay, ...ports }, request);
  const now = core.now().toISOString();
  const current = await core.store.transaction(async (sql) => {
    const { tokenVersion } = actor;
    const row = { id: relay.id, tokenVersion, sshPort: ports.ssh_port, tlsPort: ports.tls_port, now };
    if (!(await declareRelayPorts(sql, row))) return false;
    await storeRelayTrust(sql, relay.id, trusts);
    await insertIssued(sql, issued, now);
    await noteConnect(sql, { relayId: relay.id }, issued, core.now());
    return true;
  });
  if (current) return answer;
  throw new SallyportError("UNAUTHENTICATED", "This relay was revoked or enrolled again meanwhile.");
}

/** Certificates for a relay as `relay` describes it, the rows to store for them, and what it trusts with them. */
export async function certify(
  core: Core,
  relay: RelayRow,
  request: RelayConnectRequest,
): Promise<{ answer: RelayConnectAnswer; issued: IssuedCertificate[]; trusts: number }> {
  const keys = { tls: await subjectKey(request.csr), ssh: await subjectSshKey(request.sshPublicKey) };
  const extended = Object.values(request).some((field) => field !== undefined);
  const made = await issueForRelay(core, relay, keys, extended);
  const answer = {
    relayId: relay.id,
    ...(extended && { relayName: relay.name, relayHost: relay.host }),
    pki: {
      serverCertificate: made.leaf.certificate,
      ...(keys.tls.privateKey !== undefined && { serverPrivateKey: keys.tls.privateKey }),
      clientCertificateChain: made.clientAuthorities,
    },
    ssh: {
      serverCertificate: made.hostCertificate,
      ...(keys.ssh.privateKey !== undefined && { serverPrivateKey: keys.ssh.privateKey }),
      clientCAPublicKey: made.userAuthority,
    },
  };
  const common = {
    orgId: relay.org_id,
    gatewayId: null,
    relayId: relay.id,
    resourceId: null,
    actorType: "relay",
    actorId: relay.id,
    target: null,
  } as const;
  const issued: IssuedCertificate[] = [
    {
      ...common,
      serial: made.leaf.serial,
      profile: "relay-server",
      notAfter: made.leaf.notAfter.toISOString(),
    },
    {
      ...common,
      serial: made.hostIssued.serial,
      profile: "ssh-host",
      notAfter: made.hostIssued.notAfter.toISOString(),
    },
  ];
  return { answer, issued, trusts: made.trusts };
}
