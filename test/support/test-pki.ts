import { randomUUID } from "node:crypto";
import type {
  ClientCredentials,
  CredentialSource,
  GatewayCredentials,
  RelayCredentials,
  SshIdentity,
  X509Identity,
} from "../../src/pki/credentials.ts";
import type { Actor } from "../../src/pki/extensions.ts";
import {
  createInstanceAuthorities,
  createOrganisationAuthorities,
  type InstanceAuthorities,
  type OrganisationAuthorities,
} from "../../src/pki/hierarchy.ts";
import { generateX509Key, type X509KeyAlgorithm } from "../../src/pki/keys.ts";
import {
  issueGatewayClientLeaf,
  issueGatewayServerLeaf,
  issueRelayClientLeaf,
  issueRelayServerLeaf,
} from "../../src/pki/leaf-profiles.ts";
import { generateSshKey, type SshKeyAlgorithm } from "../../src/pki/ssh-keys.ts";
import { issueGatewayUserCertificate, issueRelayHostCertificate } from "../../src/pki/ssh-profiles.ts";
import type { IssuedLeaf } from "../../src/pki/x509-authority.ts";

/** Key algorithms of the leaves; the authorities have their own (see `testPki`). */
interface Keys {
  x509?: X509KeyAlgorithm;
  ssh?: SshKeyAlgorithm;
}

/** A lifetime: `now` in the past gives an expired certificate, in the future one that is not valid yet. */
interface Lifetime {
  now?: Date;
  ttlSeconds?: number;
}

/** Whose relay: the organisation's own unless told, or one that the instance shares. */
interface Sharing {
  shared?: boolean;
}

export interface RelayWish extends Keys, Lifetime, Sharing {
  name?: string;
  id?: string;
  host?: string;
  /** The port that gateways dial: it is part of the host certificate's principal. */
  sshPort?: number;
}

export interface GatewayWish extends Keys, Lifetime, Sharing {
  id?: string;
  name?: string;
  relays?: { name?: string; host?: string; sshPort: number }[];
  generation?: number;
  /** False leaves out `org@sallyport`, as Infisical does. */
  org?: boolean;
}

export interface ClientWish extends Keys, Lifetime, Sharing {
  gatewayId?: string;
  gatewayName?: string;
  relayHost?: string;
  relayPort?: number;
  target?: { host: string; port: number };
  actor?: Actor;
  grant?: { grantId: string; sessionEndsAt: string };
}

export interface TestPki {
  orgId: string;
  orgName: string;
  instance: InstanceAuthorities;
  organisation: OrganisationAuthorities;
  relay(wish?: RelayWish): Promise<RelayCredentials>;
  gateway(wish?: GatewayWish): Promise<GatewayCredentials>;
  client(wish?: ClientWish): Promise<ClientCredentials>;
}

export const RELAY_NAME = "relay-a";
export const RELAY_ID = "0a000000-0000-4000-8000-00000000000a";
export const GATEWAY_NAME = "gateway-a";
export const GATEWAY_ID = "0b000000-0000-4000-8000-00000000000b";
export const OTHER_GATEWAY_ID = "0b000000-0000-4000-8000-0000000000ff";

type Variant = "main" | "other-organisation" | "other-instance";

const ORGANISATIONS: Record<Variant, { orgId: string; orgName: string }> = {
  main: { orgId: "01000000-0000-4000-8000-000000000001", orgName: "acme" },
  "other-organisation": { orgId: "02000000-0000-4000-8000-000000000002", orgName: "globex" },
  "other-instance": { orgId: "01000000-0000-4000-8000-000000000001", orgName: "acme" },
};

const made = new Map<string, Promise<TestPki>>();
const instances = new Map<string, Promise<InstanceAuthorities>>();

/**
 * A certificate hierarchy in memory, made once per process and variant. `other-organisation` shares the instance with
 * `main`; `other-instance` shares nothing with it but the organisation's id and name.
 */
export function testPki(variant: Variant = "main", authorities: Keys = {}): Promise<TestPki> {
  const instance = variant === "other-instance" ? "other" : "main";
  const keys = JSON.stringify(authorities);
  return remember(made, `${variant} ${keys}`, async () => {
    const shared = await remember(instances, `${instance} ${keys}`, () =>
      createInstanceAuthorities(authorities),
    );
    const { orgId, orgName } = ORGANISATIONS[variant];
    const organisation = await createOrganisationAuthorities(shared, { ...authorities, orgId });
    return bind({ orgId, orgName, instance: shared, organisation });
  });
}

/** A hierarchy that nobody else has, of an instance of its own or of one that is there. */
export async function freshPki({
  now,
  instance,
}: {
  now?: Date | undefined;
  instance?: InstanceAuthorities | undefined;
} = {}): Promise<TestPki> {
  const orgId = randomUUID();
  const owner = instance ?? (await createInstanceAuthorities({ now }));
  const organisation = await createOrganisationAuthorities(owner, { orgId, now });
  return bind({ orgId, orgName: "Acme", instance: owner, organisation });
}

/** A source of credentials that never change, or change when the test calls `replace`. */
export function fixedSource<T>(credentials: T): CredentialSource<T> & { replace(next: T): void } {
  const listeners = new Set<() => void>();
  let current = credentials;
  return {
    load: () => Promise.resolve(current),
    onStale: (listener) => void listeners.add(listener),
    close: () => listeners.clear(),
    replace(next) {
      current = next;
      for (const listener of listeners) listener();
    },
  };
}

/** A key pair and the leaf that `issue` makes for it. */
export async function identity(
  issue: (publicKey: CryptoKey) => Promise<IssuedLeaf>,
  algorithm?: X509KeyAlgorithm,
): Promise<X509Identity & IssuedLeaf> {
  const { keyPair, privateKeyPem } = await generateX509Key(algorithm);
  return { ...(await issue(keyPair.publicKey)), privateKey: privateKeyPem };
}

type Base = Pick<TestPki, "orgId" | "orgName" | "instance" | "organisation">;

function bind(pki: Base): TestPki {
  return {
    ...pki,
    relay: (wish = {}) => makeRelay(pki, wish),
    gateway: (wish = {}) => makeGateway(pki, wish),
    client: (wish = {}) => makeClient(pki, wish),
  };
}

/** What the certificates around a relay are signed with. */
function relayAuthorities({ instance, organisation }: Base, { shared = false }: Sharing) {
  if (!shared) return organisation;
  return {
    relayClient: instance.instanceRelayClient,
    relayServer: instance.instanceRelayServer,
    sshClient: instance.sshClient,
    sshServer: instance.sshServer,
  };
}

async function makeRelay(pki: Base, wish: RelayWish): Promise<RelayCredentials> {
  const authorities = relayAuthorities(pki, wish);
  const host = wish.host ?? "127.0.0.1";
  const tls = await identity(
    (publicKey) =>
      issueRelayServerLeaf(authorities.relayServer, {
        host,
        organisation: wish.shared ? "Infisical" : pki.orgId,
        publicKey,
        ...lifetime(wish),
      }),
    wish.x509,
  );
  const sshPort = wish.sshPort ?? 2222;
  const key = await generateSshKey(wish.ssh);
  const { line } = issueRelayHostCertificate(authorities.sshServer, {
    host,
    sshPort,
    publicBlob: key.publicBlob,
    ...lifetime(wish),
  });
  return {
    relayId: wish.id ?? RELAY_ID,
    relayName: wish.name ?? RELAY_NAME,
    host,
    tls: { ...pair(tls), clientAuthorities: authorities.relayClient.chainPem },
    ssh: {
      host: { certificate: line, privateKey: key.privateKey },
      userAuthorities: [authorities.sshClient.publicLine],
    },
  };
}

async function makeGateway(pki: Base, wish: GatewayWish): Promise<GatewayCredentials> {
  const { organisation } = pki;
  const authorities = relayAuthorities(pki, wish);
  const gatewayId = wish.id ?? GATEWAY_ID;
  const gatewayName = wish.name ?? GATEWAY_NAME;
  const tls = await identity(
    (publicKey) =>
      issueGatewayServerLeaf(organisation.gatewayServer, {
        orgId: organisation.orgId,
        gatewayId,
        publicKey,
        ...lifetime(wish),
      }),
    wish.x509,
  );
  const key = await generateSshKey(wish.ssh);
  const ssh = (relayName: string): SshIdentity => ({
    privateKey: key.privateKey,
    certificate: issueGatewayUserCertificate(authorities.sshClient, {
      gatewayId,
      gatewayName,
      relayName,
      publicBlob: key.publicBlob,
      generation: wish.generation,
      ...(wish.org === false ? {} : { orgId: organisation.orgId }),
      ...lifetime(wish),
    }).line,
  });
  const relays = wish.relays ?? [{ sshPort: 2222 }];
  return {
    gatewayId,
    gatewayName,
    relays: relays.map(({ name = RELAY_NAME, host = "127.0.0.1", sshPort }) => ({
      relayName: name,
      host,
      sshPort,
      ssh: ssh(name),
      hostAuthorities: [authorities.sshServer.publicLine],
    })),
    tls: { ...pair(tls), clientAuthorities: organisation.gatewayClient.chainPem },
  };
}

async function makeClient(pki: Base, wish: ClientWish): Promise<ClientCredentials> {
  const { organisation, orgId, orgName } = pki;
  const authorities = relayAuthorities(pki, wish);
  const gatewayId = wish.gatewayId ?? GATEWAY_ID;
  const gatewayName = wish.gatewayName ?? GATEWAY_NAME;
  const target = wish.target ?? { host: "127.0.0.1", port: 5432 };
  const relay = await identity(
    (publicKey) =>
      issueRelayClientLeaf(authorities.relayClient, {
        gatewayId,
        gatewayName,
        orgId,
        orgName,
        publicKey,
        ...lifetime(wish),
      }),
    wish.x509,
  );
  const gateway = await identity(
    (publicKey) =>
      issueGatewayClientLeaf(organisation.gatewayClient, {
        orgId,
        gatewayId,
        actor: wish.actor ?? { type: "platform" },
        target,
        grant: wish.grant,
        publicKey,
        ...lifetime(wish),
      }),
    wish.x509,
  );
  return {
    gatewayId,
    gatewayName,
    relayHost: wish.relayHost ?? "127.0.0.1",
    relayPort: wish.relayPort ?? 8443,
    relay: { ...pair(relay), serverAuthorities: authorities.relayServer.chainPem },
    gateway: { ...pair(gateway), serverAuthorities: organisation.gatewayServer.chainPem },
    target,
    requireGatewayUri: true,
  };
}

function pair({ certificate, privateKey }: X509Identity): X509Identity {
  return { certificate, privateKey };
}

function lifetime({ now, ttlSeconds }: Lifetime): Lifetime {
  return { ...(now && { now }), ...(ttlSeconds !== undefined && { ttlSeconds }) };
}

function remember<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = cache.get(key) ?? make();
  cache.set(key, known);
  return known;
}
