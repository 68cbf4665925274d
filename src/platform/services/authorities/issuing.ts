import { publicKeyOfRequest } from "../../../pki/csr.ts";
import type { Actor as CertifiedActor } from "../../../pki/extensions.ts";
import { generateX509Key } from "../../../pki/keys.ts";
import {
  issueGatewayClientLeaf,
  issueGatewayServerLeaf,
  issueRelayClientLeaf,
  issueRelayServerLeaf,
} from "../../../pki/leaf-profiles.ts";
import type { SshAuthority } from "../../../pki/ssh-authority.ts";
import { generateSshKey, parseSshPublicKey } from "../../../pki/ssh-keys.ts";
import { issueGatewayUserCertificate, issueRelayHostCertificate } from "../../../pki/ssh-profiles.ts";
import { SallyportError } from "../../../telemetry/error.ts";
import type { RelayRow } from "../../store/relays.ts";
import type { Core } from "../core.ts";
import { bundleOf, type InForce, linesOf } from "./in-force.ts";

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

/**
 * What a relay serves with: of its organisation's authorities, or of the instance's (PROTOCOL C).
 * @param extended it is Sallyport's, which asks often: its host certificate lives a day, not 30 (ACCEPTANCE, Lifetimes)
 */
export async function issueForRelay(
  core: Core,
  relay: RelayRow,
  keys: { tls: SubjectKey; ssh: SubjectSshKey },
  extended: boolean,
) {
  const now = core.now();
  const { issuing, trust, relayClient } = await relayAuthorities(core, relay.org_id);
  const leaf = await issueRelayServerLeaf(issuing.relayServer, {
    host: relay.host,
    organisation: relay.org_id ?? "Infisical",
    publicKey: keys.tls.publicKey,
    now,
  });
  const ttlSeconds = extended ? OWN_HOST_CERTIFICATE_SECONDS : HOST_CERTIFICATE_SECONDS;
  const host = issueRelayHostCertificate(issuing.sshServer, {
    host: relay.host,
    sshPort: relay.ssh_port ?? DEFAULT_SSH_PORT,
    publicBlob: keys.ssh.publicBlob,
    ttlSeconds,
    now,
  });
  return {
    leaf,
    clientAuthorities: relayClient,
    hostCertificate: host.line,
    hostIssued: sshIssued(host.serial, now, ttlSeconds),
    userAuthority: trust.sshClient,
    /** The generation of authorities that it can verify now. */
    trusts: trust.newest,
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
  const { issuing, trust } = await relayAuthorities(core, relay.org_id);
  const { line, serial } = issueGatewayUserCertificate(issuing.sshClient, {
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
    hostAuthority: trust.sshServer,
    issued: sshIssued(serial, now, USER_CERTIFICATE_SECONDS),
    /** The generation of the relay's authorities that the gateway can verify now. */
    trusts: trust.newest,
  };
}

/** What a gateway serves its channels with. */
export async function issueGatewayServer(
  core: Core,
  request: { orgId: string; gatewayId: string; publicKey: CryptoKey },
) {
  const own = await core.authorities.organisationInForce(request.orgId);
  const leaf = await issueGatewayServerLeaf(own.issuing.gatewayServer, { ...request, now: core.now() });
  return {
    leaf,
    clientAuthorities: bundleOf(own, (set) => set.gatewayClient),
    /** The generation of its organisation's authorities that the gateway can verify now. */
    trusts: own.newest,
  };
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
  const own = await core.authorities.organisationInForce(organisation.id);
  const outer = request.relays.map(async (relay) => {
    const { issuing, relayServer } = await relayAuthorities(core, relay.org_id);
    const leaf = await issueRelayClientLeaf(issuing.relayClient, {
      gatewayId: gateway.id,
      gatewayName: gateway.name,
      orgId: organisation.id,
      orgName: organisation.name,
      publicKey: keys.relay,
      now,
    });
    return { relay, leaf, authorities: relayServer };
  });
  return {
    relays: await Promise.all(outer),
    gatewayLeaf: await issueGatewayClientLeaf(own.issuing.gatewayClient, {
      orgId: organisation.id,
      gatewayId: gateway.id,
      actor: request.actor,
      target: request.target,
      grant: request.grant,
      publicKey: keys.gateway,
      now,
    }),
    gatewayAuthorities: bundleOf(own, (set) => set.gatewayServer),
  };
}

/** What the platform itself shows a relay to see whether it is there (PROTOCOL E, "Relay"). */
export async function issueRelayProbe(core: Core, relay: RelayRow, publicKey: CryptoKey) {
  const { issuing, relayServer } = await relayAuthorities(core, relay.org_id);
  const leaf = await issueRelayClientLeaf(issuing.relayClient, {
    gatewayId: NOBODY,
    gatewayName: "heartbeat",
    orgId: relay.org_id ?? NOBODY,
    orgName: "heartbeat",
    publicKey,
    ttlSeconds: 60,
    now: core.now(),
  });
  return { leaf, serverAuthorities: relayServer };
}

/** Any of these may have signed the host certificate that a relay shows; OpenSSH lines. */
export async function relayHostAuthorities(core: Core, relay: RelayRow): Promise<string[]> {
  return (await relayAuthorities(core, relay.org_id)).trust.sshServer.split("\n");
}

/** What signs for a relay and what verifies it: its organisation's, or (null) the instance's own (PROTOCOL C). */
async function relayAuthorities(core: Core, orgId: string | null) {
  if (orgId === null) {
    const instance = await core.authorities.instanceInForce();
    const { instanceRelayClient, instanceRelayServer, sshClient, sshServer } = instance.issuing;
    return {
      issuing: { relayClient: instanceRelayClient, relayServer: instanceRelayServer, sshClient, sshServer },
      relayClient: bundleOf(instance, (set) => set.instanceRelayClient),
      relayServer: bundleOf(instance, (set) => set.instanceRelayServer),
      trust: sshTrust(instance),
    };
  }
  const own = await core.authorities.organisationInForce(orgId);
  return {
    issuing: own.issuing,
    relayClient: bundleOf(own, (set) => set.relayClient),
    relayServer: bundleOf(own, (set) => set.relayServer),
    trust: sshTrust(own),
  };
}

/** Public keys to trust, a line each. */
function sshTrust(inForce: InForce<{ sshClient: SshAuthority; sshServer: SshAuthority }>) {
  return {
    sshClient: linesOf(inForce, (set) => set.sshClient),
    sshServer: linesOf(inForce, (set) => set.sshServer),
    newest: inForce.newest,
  };
}

/** The gateway id that means "only looking". */
const NOBODY = "00000000-0000-0000-0000-000000000000";
const USER_CERTIFICATE_SECONDS = 24 * 60 * 60;
const HOST_CERTIFICATE_SECONDS = 30 * 24 * 60 * 60;
const OWN_HOST_CERTIFICATE_SECONDS = 24 * 60 * 60;

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
