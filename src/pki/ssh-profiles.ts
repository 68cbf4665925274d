import { formatHostPort } from "../host/address.ts";
import type { SshAuthority } from "./ssh-authority.ts";
import { leafValidity } from "./validity.ts";

export interface GatewayUserRequest {
  gatewayId: string;
  /** Second principal, on relays of the same organisation (PROTOCOL C.4). */
  gatewayName?: string | undefined;
  /** The relay that will see it: a certificate fits one relay only. */
  relayName: string;
  publicBlob: Buffer;
  ttlSeconds?: number | undefined;
  /** The gateway's tokenVersion (EXTENSIONS X3). */
  generation?: number | undefined;
  /** Lets the relay refuse clients of another organisation (EXTENSIONS X9). */
  orgId?: string | undefined;
  now?: Date | undefined;
}

export interface RelayHostRequest {
  /** The name or address that gateways dial; IPv6 with or without brackets. */
  host: string;
  sshPort: number;
  publicBlob: Buffer;
  ttlSeconds?: number | undefined;
  now?: Date | undefined;
}

export interface IssuedSshCertificate {
  line: string;
  serial: bigint;
}

const ONE_DAY = 24 * 60 * 60;
/** The port that Infisical's gateways dial, whatever they are told. */
const DEFAULT_SSH_PORT = 2222;
/** What `ssh-keygen` grants without options; Infisical's certificates carry the same. */
const DEFAULT_PERMISSIONS = {
  "permit-X11-forwarding": "",
  "permit-agent-forwarding": "",
  "permit-port-forwarding": "",
  "permit-pty": "",
  "permit-user-rc": "",
};

/** What a gateway authenticates with at a relay. PROTOCOL C.4; no critical options, which Infisical's relay refuses. */
export function issueGatewayUserCertificate(
  authority: SshAuthority,
  request: GatewayUserRequest,
): IssuedSshCertificate {
  const { gatewayId, gatewayName, generation, orgId } = request;
  return authority.issue({
    kind: "user",
    publicBlob: request.publicBlob,
    keyId: `client-${request.relayName}`,
    principals: gatewayName === undefined ? [gatewayId] : [gatewayId, gatewayName],
    ...validity(request.now, request.ttlSeconds ?? ONE_DAY),
    extensions: {
      ...DEFAULT_PERMISSIONS,
      ...(generation !== undefined && { "generation@sallyport": String(generation) }),
      ...(orgId !== undefined && { "org@sallyport": orgId }),
    },
  });
}

/** What a relay shows to gateways: its dial strings, with Infisical's port and with its own (EXTENSIONS X2). */
export function issueRelayHostCertificate(
  authority: SshAuthority,
  request: RelayHostRequest,
): IssuedSshCertificate {
  const host = request.host.replace(/^\[(.*)\]$/, "$1");
  const ports = new Set([DEFAULT_SSH_PORT, request.sshPort]);
  return authority.issue({
    kind: "host",
    publicBlob: request.publicBlob,
    keyId: "relay-server",
    principals: [...ports].map((port) => formatHostPort(host, port)),
    ...validity(request.now, request.ttlSeconds ?? 30 * ONE_DAY),
  });
}

function validity(now = new Date(), ttlSeconds: number): { validAfter: Date; validBefore: Date } {
  const { notBefore, notAfter } = leafValidity(now, ttlSeconds);
  return { validAfter: notBefore, validBefore: notAfter };
}
