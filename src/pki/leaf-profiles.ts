import { isIP } from "node:net";
import { type Actor, GATEWAY_URI_PREFIX, type GatewayInfo, OID, type Routing } from "./extensions.ts";
import { subject } from "./subject.ts";
import {
  CertificatePolicyExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
} from "./x509.ts";
import type { IssuedLeaf, X509Authority } from "./x509-authority.ts";

/** What every profile takes besides its names. Lifetimes in seconds from `now`. */
interface LeafRequest {
  publicKey: CryptoKey;
  ttlSeconds?: number | undefined;
  now?: Date | undefined;
}

export interface RelayServerRequest extends LeafRequest {
  /** The DNS name or address that clients dial, without port; IPv6 with or without brackets. */
  host: string;
  /** The organisation's id, or "Infisical" for an instance relay. */
  organisation: string;
}

export interface RelayClientRequest extends LeafRequest {
  gatewayId: string;
  gatewayName: string;
  orgId: string;
  orgName: string;
}

export interface GatewayServerRequest extends LeafRequest {
  orgId: string;
  gatewayId: string;
}

export interface GatewayClientRequest extends LeafRequest {
  orgId: string;
  gatewayId: string;
  actor: Actor;
  target: { host: string; port: number };
  /** When the grant ends, RFC 3339; the gateway cuts then (EXTENSIONS X10). */
  grant?: { grantId: string; sessionEndsAt: string } | undefined;
}

const ONE_DAY = 24 * 60 * 60;
const FIVE_MINUTES = 5 * 60;
const ANY_POLICY = "2.5.29.32.0";
const SERVER_USAGES = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment;
const CLIENT_USAGES = SERVER_USAGES | KeyUsageFlags.keyAgreement;

/** What a relay shows on its TLS port. PROTOCOL C.3, "Relay server TLS". */
export function issueRelayServerLeaf(
  authority: X509Authority,
  request: RelayServerRequest,
): Promise<IssuedLeaf> {
  const host = request.host.replace(/^\[(.*)\]$/, "$1");
  return authority.issueLeaf({
    subject: subject(["CN", host], ["O", request.organisation], ["OU", "Relay"]),
    publicKey: request.publicKey,
    ttlSeconds: request.ttlSeconds ?? ONE_DAY,
    now: request.now,
    extensions: serverExtensions([{ type: isIP(host) ? "ip" : "dns", value: host }]),
  });
}

/** What opens a connection at a relay. Its common name is the gateway to reach. PROTOCOL C.3, "Relay client". */
export function issueRelayClientLeaf(
  authority: X509Authority,
  request: RelayClientRequest,
): Promise<IssuedLeaf> {
  const info: GatewayInfo = { name: request.gatewayName };
  return authority.issueLeaf({
    subject: subject(
      ["O", `${request.orgName}-${request.orgId}`],
      ["OU", "relay-client"],
      ["CN", request.gatewayId],
    ),
    publicKey: request.publicKey,
    ttlSeconds: request.ttlSeconds ?? FIVE_MINUTES,
    now: request.now,
    extensions: [...clientExtensions(), jsonExtension(OID.gateway, info)],
  });
}

/** What a gateway shows inside the tunnel: clients verify it against `localhost`, then by its URI. PROTOCOL C.3. */
export function issueGatewayServerLeaf(
  authority: X509Authority,
  request: GatewayServerRequest,
): Promise<IssuedLeaf> {
  return authority.issueLeaf({
    subject: subject(["O", request.orgId], ["CN", "Gateway"]),
    publicKey: request.publicKey,
    ttlSeconds: request.ttlSeconds ?? ONE_DAY,
    now: request.now,
    extensions: serverExtensions([
      { type: "dns", value: "localhost" },
      { type: "ip", value: "127.0.0.1" },
      { type: "ip", value: "::1" },
      { type: "url", value: GATEWAY_URI_PREFIX + request.gatewayId },
    ]),
  });
}

/** What a gateway lets in, and to which target. PROTOCOL C.3, "Gateway client". */
export function issueGatewayClientLeaf(
  authority: X509Authority,
  request: GatewayClientRequest,
): Promise<IssuedLeaf> {
  const { actor, target, grant } = request;
  const routing: Routing = { targetHost: target.host, targetPort: target.port };
  return authority.issueLeaf({
    subject: subject(
      ["O", request.orgId],
      ["OU", "gateway-client"],
      ["CN", `${actor.type}:${request.gatewayId}`],
    ),
    publicKey: request.publicKey,
    ttlSeconds: request.ttlSeconds ?? FIVE_MINUTES,
    now: request.now,
    extensions: [
      ...clientExtensions(),
      jsonExtension(OID.routing, routing),
      jsonExtension(OID.actor, actor),
      ...(grant ? [jsonExtension(OID.grant, grant)] : []),
    ],
  });
}

function serverExtensions(names: JsonGeneralName[]): Extension[] {
  return [
    new KeyUsagesExtension(SERVER_USAGES, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], true),
    new CertificatePolicyExtension([ANY_POLICY]),
    new SubjectAlternativeNameExtension(names),
  ];
}

/** Always the same; making them is a good part of making a certificate. */
function clientExtensions(): readonly Extension[] {
  ofClients ??= [
    new KeyUsagesExtension(CLIENT_USAGES, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth], true),
    new CertificatePolicyExtension([ANY_POLICY]),
  ];
  return ofClients;
}

let ofClients: readonly Extension[] | undefined;

function jsonExtension(oid: string, value: object): Extension {
  return new Extension(oid, false, new TextEncoder().encode(JSON.stringify(value)));
}
