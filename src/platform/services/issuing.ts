import { publicKeyOfRequest } from "../../pki/csr.ts";
import type { Actor as CertifiedActor } from "../../pki/extensions.ts";
import { generateX509Key } from "../../pki/keys.ts";
import {
  issueGatewayClientLeaf,
  issueGatewayServerLeaf,
  issueRelayClientLeaf,
  issueRelayServerLeaf,
} from "../../pki/leaf-profiles.ts";
import { generateSshKey, parseSshPublicKey } from "../../pki/ssh-keys.ts";
import { issueGatewayUserCertificate, issueRelayHostCertificate } from "../../pki/ssh-profiles.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { RelayRow } from "../store/relays.ts";
import type { Core } from "./core.ts";

export const DEFAULT_SSH_PORT = 2222;
export const DEFAULT_TLS_PORT = 8443;

/** A certificate with what its row in `issued_certificates` needs. */
interface Issued {
  serial: string;
  notAfter: Date;
}

/** A key to certify: the caller's, or one made here whose private half goes back with the answer (EXTENSIONS X1). */
export interface SubjectKey {
  publicKey: CryptoKey;
  /** PKCS#8 PEM; undefined when the caller keeps it. */
  privateKey: string | undefined;
}

export interface SubjectSshKey {
  publicBlob: Buffer;
  /** OpenSSH private key; undefined when the caller keeps it. */
  privateKey: string | undefined;
}

/** @throws SallyportError REQUEST_INVALID for a request that is damaged or proves nothing */
export async function subjectKey(csr: string | undefined): Promise<SubjectKey> {
  if (csr !== undefined) {
    return { publicKey: await asRequest(() => publicKeyOfRequest(csr)), privateKey: undefined };
  }
  const { keyPair, privateKeyPem } = await generateX509Key();
  return { publicKey: keyPair.publicKey, privateKey: privateKeyPem };
}

/** @throws SallyportError REQUEST_INVALID */
export async function subjectSshKey(line: string | undefined): Promise<SubjectSshKey> {
  if (line !== undefined) {
    return { publicBlob: await asRequest(async () => parseSshPublicKey(line)), privateKey: undefined };
  }
  const { publicBlob, privateKey } = await generateSshKey();
  return { publicBlob, privateKey };
}

/** What a relay serves with: of its organisation's authorities, or of the instance's (PROTOCOL C). */
export async function issueForRelay(
  core: Core,
  relay: RelayRow,
  keys: { tls: SubjectKey; ssh: SubjectSshKey },
) {
  const now = core.now();
  const instance = await core.authorities.instance();
  const own = relay.org_id === null ? undefined : await core.authorities.organisation(relay.org_id);
  const leaf = await issueRelayServerLeaf(own?.relayServer ?? instance.instanceRelayServer, {
    host: relay.host,
    organisation: relay.org_id ?? "Infisical",
    publicKey: keys.tls.publicKey,
    now,
  });
  const host = issueRelayHostCertificate(own?.sshServer ?? instance.sshServer, {
    host: relay.host,
    sshPort: relay.ssh_port ?? DEFAULT_SSH_PORT,
    publicBlob: keys.ssh.publicBlob,
    ttlSeconds: HOST_CERTIFICATE_SECONDS,
    now,
  });
  return {
    leaf,
    clientAuthorities: (own?.relayClient ?? instance.instanceRelayClient).chainPem,
    hostCertificate: host.line,
    hostIssued: sshIssued(host.serial, now, HOST_CERTIFICATE_SECONDS),
    userAuthority: (own?.sshClient ?? instance.sshClient).publicLine,
  };
}

/** What a gateway authenticates with at one relay. */
export async function issueGatewayUser(
  core: Core,
  request: {
    relay: RelayRow;
    gateway: { id: string; name: string; orgId: string; generation: number };
    publicBlob: Buffer;
  },
) {
  const { relay, gateway, publicBlob } = request;
  const now = core.now();
  const authorities =
    relay.org_id === null
      ? await core.authorities.instance()
      : await core.authorities.organisation(relay.org_id);
  const { line, serial } = issueGatewayUserCertificate(authorities.sshClient, {
    gatewayId: gateway.id,
    // PROTOCOL C.4: the name is a principal on relays of the organisation only.
    gatewayName: relay.org_id === null ? undefined : gateway.name,
    relayName: relay.name,
    publicBlob,
    ttlSeconds: USER_CERTIFICATE_SECONDS,
    generation: gateway.generation,
    orgId: gateway.orgId,
    now,
  });
  return {
    certificate: line,
    hostAuthority: authorities.sshServer.publicLine,
    issued: sshIssued(serial, now, USER_CERTIFICATE_SECONDS),
  };
}

/** What a gateway serves its channels with. */
export async function issueGatewayServer(
  core: Core,
  request: { orgId: string; gatewayId: string; publicKey: CryptoKey },
) {
  const organisation = await core.authorities.organisation(request.orgId);
  const leaf = await issueGatewayServerLeaf(organisation.gatewayServer, { ...request, now: core.now() });
  return { leaf, clientAuthorities: organisation.gatewayClient.chainPem };
}

/**
 * The client certificates of a dial (PROTOCOL D): what each of the relays that lead to a gateway sees, in their order,
 * and what the gateway sees.
 */
export async function issueForDial(
  core: Core,
  request: {
    relays: RelayRow[];
    gateway: { id: string; name: string };
    organisation: { id: string; name: string };
    actor: CertifiedActor;
    target: { host: string; port: number };
    /** Ends the session, with the platform away too (EXTENSIONS X10). */
    grant?: { grantId: string; sessionEndsAt: string } | undefined;
    keys: { relay: CryptoKey; gateway: CryptoKey };
  },
) {
  const { gateway, organisation, keys } = request;
  const now = core.now();
  const instance = await core.authorities.instance();
  const own = await core.authorities.organisation(organisation.id);
  const outer = request.relays.map(async (relay) => ({
    relay,
    leaf: await issueRelayClientLeaf(relay.org_id === null ? instance.instanceRelayClient : own.relayClient, {
      gatewayId: gateway.id,
      gatewayName: gateway.name,
      orgId: organisation.id,
      orgName: organisation.name,
      publicKey: keys.relay,
      now,
    }),
    authorities: (relay.org_id === null ? instance.instanceRelayServer : own.relayServer).chainPem,
  }));
  return {
    relays: await Promise.all(outer),
    gatewayLeaf: await issueGatewayClientLeaf(own.gatewayClient, {
      orgId: organisation.id,
      gatewayId: gateway.id,
      actor: request.actor,
      target: request.target,
      grant: request.grant,
      publicKey: keys.gateway,
      now,
    }),
    gatewayAuthorities: own.gatewayServer.chainPem,
  };
}

/** What the platform itself shows a relay to see whether it is there (PROTOCOL E, "Relay"). */
export async function issueRelayProbe(core: Core, relay: RelayRow, publicKey: CryptoKey) {
  const instance = await core.authorities.instance();
  const own = relay.org_id === null ? undefined : await core.authorities.organisation(relay.org_id);
  const leaf = await issueRelayClientLeaf(own?.relayClient ?? instance.instanceRelayClient, {
    gatewayId: NOBODY,
    gatewayName: "heartbeat",
    orgId: relay.org_id ?? NOBODY,
    orgName: "heartbeat",
    publicKey,
    ttlSeconds: 60,
    now: core.now(),
  });
  return { leaf, serverAuthorities: (own?.relayServer ?? instance.instanceRelayServer).chainPem };
}

/** The gateway id that means "only looking". */
const NOBODY = "00000000-0000-0000-0000-000000000000";
const USER_CERTIFICATE_SECONDS = 24 * 60 * 60;
const HOST_CERTIFICATE_SECONDS = 30 * 24 * 60 * 60;

function sshIssued(serial: bigint, now: Date, ttlSeconds: number): Issued {
  return { serial: serial.toString(), notAfter: new Date(now.getTime() + ttlSeconds * 1000) };
}

/** What is wrong with a CSR or a key line is the caller's affair. */
async function asRequest<T>(parse: () => Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    throw new SallyportError("REQUEST_INVALID", error.message, { cause: error });
  }
}
