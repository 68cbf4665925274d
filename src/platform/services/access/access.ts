import type { ClientCredentials } from "../../../pki/credentials.ts";
import { generateX509Key } from "../../../pki/keys.ts";
import { modeOf, type ResourceKind, type TargetMode } from "../../../platform-client/resource-kinds.ts";
import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import type { GatewayRow } from "../../store/gateways.ts";
import { type GrantRow, useGrant } from "../../store/grants.ts";
import { insertIssued } from "../../store/issued-certificates.ts";
import type { RelayRow } from "../../store/relays.ts";
import { byHolder, type Holder, nameHolder } from "../actors.ts";
import { DEFAULT_TLS_PORT, issueForDial, subjectKey } from "../authorities/issuing.ts";
import type { Core } from "../core.ts";
import { relaysTowards } from "../gateways/presence.ts";
import { holdRight } from "../people/held-rights.ts";
import type { Right } from "../people/rights.ts";

export interface AccessRequest {
  gateway: GatewayRow;
  resourceId: string | null;
  /** The pool that the gateway was chosen from. */
  pool?: Pool | null;
  target: { host: string; port: number; kind: ResourceKind };
  /** What allows it; undefined where a right does. */
  grant?: GrantRow | undefined;
  relayCsr?: string | undefined;
  gatewayCsr?: string | undefined;
}

interface Pool {
  id: string;
  name: string;
}

interface Hop {
  clientCertificate: string;
  clientPrivateKey?: string;
  serverCertificateChain: string;
}

/** A way to the gateway. */
interface RelayWay extends Hop {
  relayName: string;
  relayHost: string;
  relayPort: number;
}

export interface AccessAnswer {
  /** Names this answer where the gateway turns out not to be there. */
  accessId: string;
  pool: Pool | null;
  gatewayId: string;
  gatewayName: string;
  relayName: string;
  relayHost: string;
  relayPort: number;
  relay: Hop;
  /** Best first; the first one is repeated in the fields above. */
  relays: RelayWay[];
  gateway: Hop;
  target: { host: string; port: number; kind: ResourceKind; mode: TargetMode };
  expiresAt: string;
}

/**
 * Lets a holder dial a target behind a gateway: certificates for both hops, good for five minutes (PROTOCOL H.2). Where
 * the grant has an end, the gateway cuts the session then (EXTENSIONS X10). The serials are stored with who got them.
 * @throws SallyportError GATEWAY_NOT_CONNECTED when the gateway has no relay, REQUEST_INVALID for a damaged CSR,
 * FORBIDDEN when the grant or the right ended meanwhile
 */
export async function grantAccess(core: Core, holder: Holder, request: AccessRequest): Promise<AccessAnswer> {
  const { gateway, target, grant } = request;
  const relays = await relaysTowards(core, gateway);
  const keys = { relay: await subjectKey(request.relayCsr), gateway: await subjectKey(request.gatewayCsr) };
  const sessionEndsAt = grant?.ends_at ?? undefined;
  const made = await issueForDial(core, {
    relays,
    gateway,
    organisation: { id: holder.orgId, name: holder.orgName },
    actor: nameHolder(holder),
    target: { host: target.host, port: target.port },
    ...(grant && sessionEndsAt !== undefined && { grant: { grantId: grant.id, sessionEndsAt } }),
    keys: { relay: keys.relay.publicKey, gateway: keys.gateway.publicKey },
  });
  const ends = [made.gatewayLeaf, ...made.relays.map(({ leaf }) => leaf)].map((leaf) =>
    leaf.notAfter.getTime(),
  );
  const expiresAt = new Date(Math.min(...ends)).toISOString();
  const accessId = await record(core, holder, request, made, expiresAt);
  const ways = made.relays.map(({ relay, leaf, authorities }) => ({
    relayName: relay.name,
    relayHost: relay.host,
    relayPort: relay.tls_port ?? DEFAULT_TLS_PORT,
    ...hop(leaf.certificate, keys.relay.privateKey, authorities),
  }));
  const [first] = ways;
  if (!first) throw new SallyportError("INTERNAL", "A gateway was left without a relay.");
  const { relayName, relayHost, relayPort, ...relay } = first;
  return {
    accessId,
    pool: request.pool ?? null,
    gatewayId: gateway.id,
    gatewayName: gateway.name,
    relayName,
    relayHost,
    relayPort,
    relay,
    relays: ways,
    gateway: hop(made.gatewayLeaf.certificate, keys.gateway.privateKey, made.gatewayAuthorities),
    target: { ...target, mode: modeOf(target.kind, target.host) },
    expiresAt,
  };
}

/** Whoever takes the grant or the right away meanwhile wins: nothing is stored, and nothing handed out. */
async function record(
  core: Core,
  holder: Holder,
  request: AccessRequest,
  made: Awaited<ReturnType<typeof issueForDial>>,
  notAfter: string,
): Promise<string> {
  const { gateway, target, grant, resourceId, pool } = request;
  const accessId = crypto.randomUUID();
  const place = `${target.host}:${target.port}`;
  const actor = nameHolder(holder);
  const common = {
    orgId: holder.orgId,
    gatewayId: gateway.id,
    resourceId,
    actorType: actor.type,
    actorId: actor.id,
    target: place,
    notAfter,
    accessId,
    ...(grant && { grantId: grant.id }),
    ...(holder.kind === "identity" && { identitySecretId: holder.secretId }),
  } as const;
  const relayId = made.relays[0]?.relay.id ?? null;
  const serial = made.gatewayLeaf.serial;
  const now = core.now().toISOString();
  await core.store.transaction(async (sql) => {
    await holdRight(sql, holder, allowing(request));
    if (grant && !(await useGrant(sql, grant.id, now))) {
      throw new SallyportError("FORBIDDEN", "Your grant has just ended: ask an administrator for a new one.");
    }
    const outer = made.relays.map(({ relay, leaf }) => ({
      ...common,
      relayId: relay.id,
      serial: leaf.serial,
      profile: "relay-client" as const,
    }));
    await insertIssued(sql, [...outer, { ...common, relayId, serial, profile: "gateway-client" }], now);
    const detail = { gatewayId: gateway.id, ...(pool && { gatewayPoolId: pool.id }), target: place, serial };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_ACCESS", detail }, now);
  });
  return accessId;
}

function allowing({ grant, resourceId }: AccessRequest): Right {
  if (grant) return "connect-resources";
  return resourceId === null ? "connect-gateways" : "connect-all-resources";
}

/**
 * What the platform itself dials a gateway with through each of these relays, in their order, to see whether it answers
 * (PROTOCOL E). Nothing is stored.
 */
export async function probeCredentials(
  core: Core,
  gateway: GatewayRow,
  organisation: { id: string; name: string },
  relays: RelayRow[],
): Promise<{ relay: RelayRow; credentials: ClientCredentials }[]> {
  const [relayKey, gatewayKey] = await Promise.all([generateX509Key(), generateX509Key()]);
  const target = { host: "health-check", port: 443 };
  const made = await issueForDial(core, {
    relays,
    gateway,
    organisation,
    actor: { type: "platform" },
    target,
    keys: { relay: relayKey.keyPair.publicKey, gateway: gatewayKey.keyPair.publicKey },
  });
  const inner = {
    certificate: made.gatewayLeaf.certificate,
    privateKey: gatewayKey.privateKeyPem,
    serverAuthorities: made.gatewayAuthorities,
  };
  return made.relays.map(({ relay, leaf, authorities }) => ({
    relay,
    credentials: {
      gatewayId: gateway.id,
      gatewayName: gateway.name,
      relayHost: relay.host,
      relayPort: relay.tls_port ?? DEFAULT_TLS_PORT,
      relay: {
        certificate: leaf.certificate,
        privateKey: relayKey.privateKeyPem,
        serverAuthorities: authorities,
      },
      gateway: inner,
      target,
      requireGatewayUri: true,
    },
  }));
}

function hop(certificate: string, privateKey: string | undefined, chain: string): Hop {
  return {
    clientCertificate: certificate,
    ...(privateKey !== undefined && { clientPrivateKey: privateKey }),
    serverCertificateChain: chain,
  };
}
