import type { ClientCredentials } from "../../pki/credentials.ts";
import { generateX509Key } from "../../pki/keys.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { insertAudit } from "../store/audit.ts";
import { type GatewayRow, listGatewayRelays } from "../store/gateways.ts";
import { insertIssued } from "../store/issued-certificates.ts";
import type { RelayRow } from "../store/relays.ts";
import type { ResourceKind } from "../store/resources.ts";
import { byPerson, type Person } from "./actors.ts";
import type { Core } from "./core.ts";
import { isRelayFresh } from "./health.ts";
import { DEFAULT_TLS_PORT, issueForDial, subjectKey } from "./issuing.ts";

export interface AccessRequest {
  gateway: GatewayRow;
  resourceId: string | null;
  target: { host: string; port: number; kind: ResourceKind };
  relayCsr?: string | undefined;
  gatewayCsr?: string | undefined;
}

interface Hop {
  clientCertificate: string;
  clientPrivateKey?: string;
  serverCertificateChain: string;
}

export interface AccessAnswer {
  gatewayId: string;
  gatewayName: string;
  relayName: string;
  relayHost: string;
  relayPort: number;
  relay: Hop;
  gateway: Hop;
  target: { host: string; port: number; kind: ResourceKind };
  expiresAt: string;
}

/**
 * Lets a person dial a target behind a gateway: certificates for both hops, good for five minutes (PROTOCOL H.2). The
 * serials are stored with who got them.
 * @throws SallyportError GATEWAY_NOT_CONNECTED when the gateway has no relay, REQUEST_INVALID for a damaged CSR
 */
export async function grantAccess(core: Core, person: Person, request: AccessRequest): Promise<AccessAnswer> {
  const { gateway, target } = request;
  const relay = await relayOf(core, gateway);
  const keys = { relay: await subjectKey(request.relayCsr), gateway: await subjectKey(request.gatewayCsr) };
  const made = await issueForDial(core, {
    relay,
    gateway,
    organisation: { id: person.orgId, name: person.orgName },
    actor: { type: "user", id: person.userId, name: person.email },
    target: { host: target.host, port: target.port },
    keys: { relay: keys.relay.publicKey, gateway: keys.gateway.publicKey },
  });
  const now = core.now().toISOString();
  const place = `${target.host}:${target.port}`;
  const common = {
    orgId: person.orgId,
    gatewayId: gateway.id,
    relayId: relay.id,
    resourceId: request.resourceId,
    actorType: "user",
    actorId: person.userId,
    target: place,
  } as const;
  const expiresAt = new Date(
    Math.min(made.relayLeaf.notAfter.getTime(), made.gatewayLeaf.notAfter.getTime()),
  ).toISOString();
  await core.store.transaction(async (sql) => {
    await insertIssued(
      sql,
      [
        { ...common, serial: made.relayLeaf.serial, profile: "relay-client", notAfter: expiresAt },
        { ...common, serial: made.gatewayLeaf.serial, profile: "gateway-client", notAfter: expiresAt },
      ],
      now,
    );
    const detail = { gatewayId: gateway.id, target: place, serial: made.gatewayLeaf.serial };
    await insertAudit(sql, { ...byPerson(person), event: "RESOURCE_ACCESS", detail }, now);
  });
  return {
    gatewayId: gateway.id,
    gatewayName: gateway.name,
    relayName: relay.name,
    relayHost: relay.host,
    relayPort: relay.tls_port ?? DEFAULT_TLS_PORT,
    relay: hop(made.relayLeaf.certificate, keys.relay.privateKey, made.relayAuthorities),
    gateway: hop(made.gatewayLeaf.certificate, keys.gateway.privateKey, made.gatewayAuthorities),
    target,
    expiresAt,
  };
}

/** What the platform itself dials a gateway with, to see whether it answers (PROTOCOL E). Nothing is stored. */
export async function probeCredentials(
  core: Core,
  gateway: GatewayRow,
  organisation: { id: string; name: string },
  relay: RelayRow,
): Promise<ClientCredentials> {
  const [relayKey, gatewayKey] = await Promise.all([generateX509Key(), generateX509Key()]);
  const target = { host: "health-check", port: 443 };
  const made = await issueForDial(core, {
    relay,
    gateway,
    organisation,
    actor: { type: "platform" },
    target,
    keys: { relay: relayKey.keyPair.publicKey, gateway: gatewayKey.keyPair.publicKey },
  });
  return {
    gatewayId: gateway.id,
    gatewayName: gateway.name,
    relayHost: relay.host,
    relayPort: relay.tls_port ?? DEFAULT_TLS_PORT,
    relay: {
      certificate: made.relayLeaf.certificate,
      privateKey: relayKey.privateKeyPem,
      serverAuthorities: made.relayAuthorities,
    },
    gateway: {
      certificate: made.gatewayLeaf.certificate,
      privateKey: gatewayKey.privateKeyPem,
      serverAuthorities: made.gatewayAuthorities,
    },
    target,
    requireGatewayUri: true,
  };
}

/** The first declared relay that was heard of within the hour, or the first one at all. */
async function relayOf(core: Core, gateway: GatewayRow): Promise<RelayRow> {
  const relays = await listGatewayRelays(core.store.read, gateway.id);
  const now = core.now();
  const relay = relays.find((candidate) => isRelayFresh(candidate, now)) ?? relays[0];
  if (relay) return relay;
  throw new SallyportError(
    "GATEWAY_NOT_CONNECTED",
    `The gateway ${gateway.name} has never connected: start it first.`,
  );
}

function hop(certificate: string, privateKey: string | undefined, chain: string): Hop {
  return {
    clientCertificate: certificate,
    ...(privateKey !== undefined && { clientPrivateKey: privateKey }),
    serverCertificateChain: chain,
  };
}
