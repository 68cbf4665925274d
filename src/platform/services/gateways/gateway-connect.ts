import { SallyportError } from "../../../telemetry/error.ts";
import type { Sql } from "../../store/database.ts";
import {
  declareGatewayRelays,
  findGateway,
  type GatewayRow,
  type GatewayTrust,
  listGatewayRelays,
} from "../../store/gateways.ts";
import { type IssuedCertificate, insertIssued } from "../../store/issued-certificates.ts";
import type { RelayRow } from "../../store/relays.ts";
import type { GatewayActor } from "../actors.ts";
import {
  DEFAULT_SSH_PORT,
  issueGatewayServer,
  issueGatewayUser,
  subjectKey,
  subjectSshKey,
} from "../authorities/issuing.ts";
import type { Core } from "../core.ts";
import { noteConnect } from "../health/connect.ts";
import { chooseRelays, relaysByName } from "../relays/relay-choice.ts";

/** EXTENSIONS X1, X2; only `relayName` is in Infisical's request. */
export interface GatewayConnectRequest {
  relayName?: string | undefined;
  relayNames?: string[] | undefined;
  maxRelays?: number | undefined;
  csr?: string | undefined;
  sshPublicKey?: string | undefined;
}

interface SshPart {
  clientCertificate: string;
  clientPrivateKey?: string;
  serverCAPublicKey: string;
}

export interface GatewayConnectAnswer {
  gatewayId: string;
  relayHost: string;
  sshPort?: number;
  pki: { serverCertificate: string; serverPrivateKey?: string; clientCertificateChain: string };
  ssh: SshPart;
  relays?: { relayName: string; relayHost: string; sshPort: number; ssh: SshPart }[];
}

/**
 * Registration and renewal in one (PROTOCOL A.1, 3): declares the complete set of relays and gives certificates for
 * them. Without any relay in the request the declared ones stay.
 * @throws SallyportError NOT_FOUND, REQUEST_INVALID, UNAUTHENTICATED when revoked meanwhile
 */
export async function connectGateway(
  core: Core,
  actor: GatewayActor,
  request: GatewayConnectRequest,
): Promise<GatewayConnectAnswer> {
  const gateway = await findGateway(core.store.read, actor.gatewayId);
  if (!gateway) throw new SallyportError("NOT_FOUND", "There is no such gateway.");
  const relays = await resolveRelays(core.store.read, gateway, request, core.now());
  if (!isExtended(request)) requireStandardPort(relays);
  const keys = { tls: await subjectKey(request.csr), ssh: await subjectSshKey(request.sshPublicKey) };
  const server = await issueGatewayServer(core, {
    orgId: gateway.org_id,
    gatewayId: gateway.id,
    publicKey: keys.tls.publicKey,
  });
  const identity = {
    id: gateway.id,
    name: gateway.name,
    orgId: gateway.org_id,
    generation: actor.tokenVersion,
  };
  const issued: IssuedCertificate[] = [
    record(gateway, null, "gateway-server", server.leaf.serial, server.leaf.notAfter),
  ];
  const trusts: GatewayTrust = { organisation: server.trusts, instance: 0 };
  const parts: NonNullable<GatewayConnectAnswer["relays"]> = [];
  for (const relay of relays) {
    const user = await issueGatewayUser(core, { relay, gateway: identity, publicBlob: keys.ssh.publicBlob });
    if (relay.org_id === null) trusts.instance = user.trusts;
    else trusts.organisation = Math.min(trusts.organisation, user.trusts);
    issued.push(record(gateway, relay, "ssh-user", user.issued.serial, user.issued.notAfter));
    parts.push({
      relayName: relay.name,
      relayHost: relay.host,
      sshPort: relay.ssh_port ?? DEFAULT_SSH_PORT,
      ssh: {
        clientCertificate: user.certificate,
        ...(keys.ssh.privateKey !== undefined && { clientPrivateKey: keys.ssh.privateKey }),
        serverCAPublicKey: user.hostAuthority,
      },
    });
  }
  await declare(core, actor, relays, trusts, issued);
  const [first] = parts;
  if (!first) throw new SallyportError("INTERNAL", "A gateway was left without a relay.");
  return {
    gatewayId: gateway.id,
    relayHost: first.relayHost,
    pki: {
      serverCertificate: server.leaf.certificate,
      ...(keys.tls.privateKey !== undefined && { serverPrivateKey: keys.tls.privateKey }),
      clientCertificateChain: server.clientAuthorities,
    },
    ssh: first.ssh,
    ...(isExtended(request) && { sshPort: first.sshPort, relays: parts }),
  };
}

async function resolveRelays(
  sql: Sql,
  gateway: GatewayRow,
  request: GatewayConnectRequest,
  now: Date,
): Promise<RelayRow[]> {
  const { relayName, relayNames = [], maxRelays } = request;
  const names = relayName === undefined ? relayNames : [relayName, ...relayNames];
  if (names.length > 0) {
    const relays = await relaysByName(sql, gateway.org_id, names);
    return relays.slice(0, maxRelays ?? relays.length);
  }
  const present = await listGatewayRelays(sql, gateway.id);
  if (maxRelays !== undefined) {
    return await chooseRelays(sql, gateway.org_id, { count: maxRelays, present, now });
  }
  if (present.length > 0) return present;
  throw new SallyportError(
    "NOT_FOUND",
    "This gateway has no relay: name one with --relay, or its relay was deleted.",
  );
}

/** A request with a field of ours comes from a gateway that can use any port (EXTENSIONS X2). */
function isExtended(request: GatewayConnectRequest): boolean {
  const { relayNames, maxRelays, csr, sshPublicKey } = request;
  return [relayNames, maxRelays, csr, sshPublicKey].some((field) => field !== undefined);
}

function requireStandardPort(relays: RelayRow[]): void {
  const odd = relays.find((relay) => (relay.ssh_port ?? DEFAULT_SSH_PORT) !== DEFAULT_SSH_PORT);
  if (!odd) return;
  throw new SallyportError(
    "REQUEST_INVALID",
    `The relay ${odd.name} takes gateways on port ${odd.ssh_port}, and this gateway program can only use ${DEFAULT_SSH_PORT}: choose another relay, or run Sallyport's gateway.`,
  );
}

async function declare(
  core: Core,
  actor: GatewayActor,
  relays: RelayRow[],
  trusts: GatewayTrust,
  issued: IssuedCertificate[],
): Promise<void> {
  const now = core.now().toISOString();
  const current = await core.store.transaction(async (sql) => {
    const relayIds = relays.map((relay) => relay.id);
    const row = { id: actor.gatewayId, tokenVersion: actor.tokenVersion, relayIds, trusts, now };
    if (!(await declareGatewayRelays(sql, row))) return false;
    await insertIssued(sql, issued, now);
    await noteConnect(sql, { gatewayId: actor.gatewayId }, issued, core.now());
    return true;
  });
  if (current) return;
  throw new SallyportError("UNAUTHENTICATED", "This gateway was revoked or enrolled again meanwhile.");
}

function record(
  gateway: GatewayRow,
  relay: RelayRow | null,
  profile: "gateway-server" | "ssh-user",
  serial: string,
  notAfter: Date,
): IssuedCertificate {
  return {
    serial,
    profile,
    orgId: gateway.org_id,
    gatewayId: gateway.id,
    relayId: relay?.id ?? null,
    resourceId: null,
    actorType: "gateway",
    actorId: gateway.id,
    target: null,
    notAfter: notAfter.toISOString(),
  };
}
