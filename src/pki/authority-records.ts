import { SallyportError } from "../telemetry/error.ts";
import type { InstanceAuthorities, OrganisationAuthorities } from "./hierarchy.ts";
import { SshAuthority } from "./ssh-authority.ts";
import { X509Authority } from "./x509-authority.ts";

/** One authority as it is stored. The private key is in the clear here: seal it before it is written. */
export interface AuthorityRecord {
  /** Stable name of the slot, for example `relay-client`. */
  name: string;
  /** Null for an SSH authority. */
  chainPem: string | null;
  /** PKCS#8 DER, or the bytes of the OpenSSH private key text. */
  privateKey: Uint8Array;
}

export async function exportInstanceAuthorities(a: InstanceAuthorities): Promise<AuthorityRecord[]> {
  return await Promise.all([
    fromX509("root-relay", a.rootRelay),
    fromX509("organisation-relay", a.organisationRelay),
    fromX509("instance-relay", a.instanceRelay),
    fromX509("instance-relay-client", a.instanceRelayClient),
    fromX509("instance-relay-server", a.instanceRelayServer),
    fromSsh("ssh-client", a.sshClient),
    fromSsh("ssh-server", a.sshServer),
  ]);
}

/** @throws SallyportError CONFIG_INVALID if a record is missing or damaged */
export async function importInstanceAuthorities(records: AuthorityRecord[]): Promise<InstanceAuthorities> {
  return {
    rootRelay: await toX509("root-relay", records),
    organisationRelay: await toX509("organisation-relay", records),
    instanceRelay: await toX509("instance-relay", records),
    instanceRelayClient: await toX509("instance-relay-client", records),
    instanceRelayServer: await toX509("instance-relay-server", records),
    sshClient: toSsh("ssh-client", records),
    sshServer: toSsh("ssh-server", records),
  };
}

export async function exportOrganisationAuthorities(a: OrganisationAuthorities): Promise<AuthorityRecord[]> {
  return await Promise.all([
    fromX509("relay-client", a.relayClient),
    fromX509("relay-server", a.relayServer),
    fromX509("gateway-root", a.gatewayRoot),
    fromX509("gateway-server", a.gatewayServer),
    fromX509("gateway-client", a.gatewayClient),
    fromSsh("ssh-client", a.sshClient),
    fromSsh("ssh-server", a.sshServer),
  ]);
}

/** @throws SallyportError CONFIG_INVALID if a record is missing or damaged */
export async function importOrganisationAuthorities(
  orgId: string,
  records: AuthorityRecord[],
): Promise<OrganisationAuthorities> {
  return {
    orgId,
    relayClient: await toX509("relay-client", records),
    relayServer: await toX509("relay-server", records),
    gatewayRoot: await toX509("gateway-root", records),
    gatewayServer: await toX509("gateway-server", records),
    gatewayClient: await toX509("gateway-client", records),
    sshClient: toSsh("ssh-client", records),
    sshServer: toSsh("ssh-server", records),
  };
}

async function fromX509(name: string, authority: X509Authority): Promise<AuthorityRecord> {
  return { name, chainPem: authority.chainPem, privateKey: await authority.privateKeyDer() };
}

async function fromSsh(name: string, authority: SshAuthority): Promise<AuthorityRecord> {
  return { name, chainPem: null, privateKey: new TextEncoder().encode(authority.privateKey) };
}

async function toX509(name: string, records: AuthorityRecord[]): Promise<X509Authority> {
  const { chainPem, privateKey } = find(name, records);
  if (chainPem === null) throw missing(name);
  return await X509Authority.from(chainPem, privateKey);
}

function toSsh(name: string, records: AuthorityRecord[]): SshAuthority {
  return SshAuthority.from(new TextDecoder().decode(find(name, records).privateKey));
}

function find(name: string, records: AuthorityRecord[]): AuthorityRecord {
  const record = records.find((candidate) => candidate.name === name);
  if (!record) throw missing(name);
  return record;
}

function missing(name: string): SallyportError {
  return new SallyportError("CONFIG_INVALID", `The authority ${name} is missing: restore it from a backup`);
}
