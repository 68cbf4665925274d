import { randomUUID } from "node:crypto";
import type {
  CredentialSource,
  RelayCredentials,
  Revocations,
  SshIdentity,
  X509Identity,
} from "../../src/pki/credentials.ts";
import {
  createInstanceAuthorities,
  createOrganisationAuthorities,
  type InstanceAuthorities,
  type OrganisationAuthorities,
} from "../../src/pki/hierarchy.ts";
import { generateX509Key } from "../../src/pki/keys.ts";
import { issueRelayClientLeaf, issueRelayServerLeaf } from "../../src/pki/leaf-profiles.ts";
import { generateSshKey } from "../../src/pki/ssh-keys.ts";
import { issueGatewayUserCertificate, issueRelayHostCertificate } from "../../src/pki/ssh-profiles.ts";
import { type Relay, type RelayOptions, startRelay } from "../../src/relay/relay.ts";
import { createLogger, silentLogger } from "../../src/telemetry/log.ts";
import type { ChannelRequest, SshConnection } from "../../src/tunnel/ssh/connection.ts";
import { dialSsh } from "../../src/tunnel/ssh/dial.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import { dialOuterTls } from "../../src/tunnel/tls/outer-client.ts";
import { echo, Inbox } from "./byte-stream.ts";

export const RELAY_NAME = "relay-1";
export const RELAY_HOST = "127.0.0.1";
/** Host certificates of the lab name this port, whatever port the relay got from the system. */
const CERTIFICATE_SSH_PORT = 2222;
export const HOST_PRINCIPAL = `${RELAY_HOST}:${CERTIFICATE_SSH_PORT}`;

interface Life {
  ttlSeconds?: number;
  now?: Date;
}

/** What a gateway dials a relay with. */
export interface LabGateway {
  gatewayId: string;
  identity: SshIdentity;
  serial: bigint;
  /** Blobs of the CAs that sign the relay. */
  hostAuthorities: Buffer[];
}

/** What a client dials a relay with. */
export interface LabClient {
  identity: X509Identity & { serverAuthorities: string };
  serial: string;
}

/**
 * The certificates of a small world: one installation, one organisation with a relay of its own, and a shared instance
 * relay. `RelayLab.create` twice gives two installations that have nothing in common.
 */
export class RelayLab {
  private constructor(
    readonly instance: InstanceAuthorities,
    readonly organisation: OrganisationAuthorities,
  ) {}

  static async create(options: { now?: Date; neighbourOf?: RelayLab } = {}): Promise<RelayLab> {
    const { now, neighbourOf } = options;
    const instance = neighbourOf?.instance ?? (await createInstanceAuthorities({ now }));
    const orgId = randomUUID();
    return new RelayLab(instance, await createOrganisationAuthorities(instance, { orgId, now }));
  }

  get orgId(): string {
    return this.organisation.orgId;
  }

  /** Fresh keys and certificates of this organisation's relay, or of the installation's shared one. */
  async relayCredentials(
    options: Life & { shared?: boolean; revocations?: Revocations } = {},
  ): Promise<RelayCredentials> {
    const { shared = false, revocations, ...life } = options;
    const authorities = this.#authorities(shared);
    const tls = await generateX509Key();
    const ssh = await generateSshKey();
    const leaf = await issueRelayServerLeaf(authorities.relayServer, {
      host: RELAY_HOST,
      organisation: shared ? "Infisical" : this.orgId,
      publicKey: tls.keyPair.publicKey,
      ...life,
    });
    const host = issueRelayHostCertificate(authorities.sshServer, {
      host: RELAY_HOST,
      sshPort: CERTIFICATE_SSH_PORT,
      publicBlob: ssh.publicBlob,
      ...life,
    });
    return {
      relayId: randomUUID(),
      relayName: RELAY_NAME,
      host: RELAY_HOST,
      tls: {
        certificate: leaf.certificate,
        privateKey: tls.privateKeyPem,
        clientAuthorities: authorities.relayClient.chainPem,
      },
      ssh: {
        host: { certificate: host.line, privateKey: ssh.privateKey },
        userAuthorities: [authorities.sshClient.publicLine],
      },
      ...(revocations ? { revocations } : {}),
    };
  }

  /** A gateway of this organisation, with a user certificate for its relay or the shared one. */
  async gateway(
    options: Life & {
      gatewayId?: string;
      relayName?: string;
      generation?: number;
      shared?: boolean;
      /** As Infisical's platform issues them: no organisation, no generation. */
      plain?: boolean;
    } = {},
  ): Promise<LabGateway> {
    const { gatewayId = randomUUID(), relayName = RELAY_NAME, shared = false, plain = false } = options;
    const authorities = this.#authorities(shared);
    const key = await generateSshKey();
    const { line, serial } = issueGatewayUserCertificate(authorities.sshClient, {
      gatewayId,
      gatewayName: "my-gateway",
      relayName,
      publicBlob: key.publicBlob,
      generation: plain ? undefined : options.generation,
      orgId: plain ? undefined : this.orgId,
      ttlSeconds: options.ttlSeconds,
      now: options.now,
    });
    return {
      gatewayId,
      serial,
      identity: { certificate: line, privateKey: key.privateKey },
      hostAuthorities: [authorities.sshServer.publicBlob],
    };
  }

  /** A client of this organisation that may reach `gatewayId`. */
  async client(gatewayId: string, options: Life & { shared?: boolean } = {}): Promise<LabClient> {
    const { shared = false, ...life } = options;
    const authorities = this.#authorities(shared);
    const key = await generateX509Key();
    const leaf = await issueRelayClientLeaf(authorities.relayClient, {
      gatewayId,
      gatewayName: "my-gateway",
      orgId: this.orgId,
      orgName: "Acme",
      publicKey: key.keyPair.publicKey,
      ...life,
    });
    return {
      serial: leaf.serial,
      identity: {
        certificate: leaf.certificate,
        privateKey: key.privateKeyPem,
        serverAuthorities: authorities.relayServer.chainPem,
      },
    };
  }

  #authorities(shared: boolean) {
    const { instance, organisation } = this;
    if (!shared) return organisation;
    return {
      relayClient: instance.instanceRelayClient,
      relayServer: instance.instanceRelayServer,
      sshClient: instance.sshClient,
      sshServer: instance.sshServer,
    };
  }
}

/** Credentials that a test changes by hand. */
export class HandSource implements CredentialSource<RelayCredentials> {
  loads = 0;
  closed = false;
  #listener: () => void = () => {};

  constructor(public credentials: RelayCredentials) {}

  load(): Promise<RelayCredentials> {
    this.loads++;
    return Promise.resolve(this.credentials);
  }

  onStale(listener: () => void): void {
    this.#listener = listener;
  }

  /** Other credentials from now on; the relay is told. */
  change(credentials: RelayCredentials): void {
    this.credentials = credentials;
    this.#listener();
  }

  close(): void {
    this.closed = true;
  }
}

export function revocations(o: { serials?: string[]; gatewayIds?: string[] }): Revocations {
  return { serials: new Set(o.serials), gatewayIds: new Set(o.gatewayIds) };
}

/** One parsed line of the relay's log. */
export type LogLine = Record<string, unknown> & { message: string };

export interface LabRelay {
  relay: Relay;
  source: HandSource;
  log: LogLine[];
}

/** A relay on loopback with ports chosen by the system. The caller closes it. */
export async function startLabRelay(
  credentials: RelayCredentials,
  options: Partial<Omit<RelayOptions, "credentials" | "log">> = {},
): Promise<LabRelay> {
  const source = new HandSource(credentials);
  const log: LogLine[] = [];
  const relay = await startRelay({
    credentials: source,
    listen: { hostname: RELAY_HOST, sshPort: 0, tlsPort: 0 },
    log: createLogger({ format: "json", level: "debug", write: (line) => log.push(JSON.parse(line)) }),
    ...options,
  });
  return { relay, source, log };
}

/** A gateway's SSH session that answers every tunnel with `onTunnel`. */
export function dialAsGateway(
  relay: Relay,
  gateway: LabGateway,
  onChannel: (request: ChannelRequest) => void = (request) => echo(request.accept()),
  onRequest?: (name: string) => void,
): Promise<SshConnection> {
  return dialSsh({
    host: RELAY_HOST,
    port: relay.sshPort,
    username: gateway.gatewayId,
    identity: gateway.identity,
    hostAuthorities: gateway.hostAuthorities,
    hostPrincipal: HOST_PRINCIPAL,
    onChannel,
    onRequest,
    budget: new WindowBudget(),
    log: silentLogger,
    timeoutMs: 5_000,
  });
}

/** A client's connection, after its handshake; the relay may still refuse it. */
export async function dialAsClient(relay: Relay, client: LabClient): Promise<Inbox> {
  const { stream } = await dialOuterTls({
    host: RELAY_HOST,
    port: relay.tlsPort,
    identity: client.identity,
    timeoutMs: 5_000,
  });
  return new Inbox(stream);
}
