import { randomUUID, X509Certificate } from "node:crypto";
import type {
  CredentialSource,
  RelayCredentials,
  Revocations,
  SshIdentity,
  X509Identity,
} from "../../src/pki/credentials.ts";
import type { InstanceAuthorities, OrganisationAuthorities } from "../../src/pki/hierarchy.ts";
import { parseSshCertificateLine } from "../../src/pki/ssh-certificate.ts";
import { parseSshPublicKey } from "../../src/pki/ssh-keys.ts";
import { type Relay, type RelayOptions, startRelay } from "../../src/relay/relay.ts";
import { createLogger, silentLogger } from "../../src/telemetry/log.ts";
import type { ChannelRequest, SshConnection } from "../../src/tunnel/ssh/connection.ts";
import { dialSsh } from "../../src/tunnel/ssh/dial.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import { parseCertificate } from "../../src/tunnel/tls/certificate.ts";
import { dialOuterTls } from "../../src/tunnel/tls/outer-client.ts";
import { echo, Inbox } from "./byte-stream.ts";
import { type ClientWish, freshPki, type GatewayWish, type RelayWish, type TestPki } from "./test-pki.ts";

export const RELAY_NAME = "relay-1";
export const RELAY_HOST = "127.0.0.1";
/** Host certificates of the lab name this port, whatever port the relay got from the system. */
const CERTIFICATE_SSH_PORT = 2222;
export const HOST_PRINCIPAL = `${RELAY_HOST}:${CERTIFICATE_SSH_PORT}`;

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
 * A small world as its relays see it: one installation, one organisation with a relay of its own, and a shared instance
 * relay. `RelayLab.create` twice gives two installations that have nothing in common.
 */
export class RelayLab {
  private constructor(readonly pki: TestPki) {}

  static async create({ now, neighbourOf }: { now?: Date; neighbourOf?: RelayLab } = {}): Promise<RelayLab> {
    return new RelayLab(await freshPki({ now, instance: neighbourOf?.instance }));
  }

  get orgId(): string {
    return this.pki.orgId;
  }

  get instance(): InstanceAuthorities {
    return this.pki.instance;
  }

  get organisation(): OrganisationAuthorities {
    return this.pki.organisation;
  }

  /** Fresh keys and certificates of this organisation's relay, or of the installation's shared one. */
  async relayCredentials({
    revocations,
    ...wish
  }: Pick<RelayWish, "now" | "ttlSeconds" | "shared"> & {
    revocations?: Revocations;
  } = {}): Promise<RelayCredentials> {
    const credentials = await this.pki.relay({
      id: randomUUID(),
      name: RELAY_NAME,
      host: RELAY_HOST,
      ...wish,
    });
    return { ...credentials, ...(revocations && { revocations }) };
  }

  /**
   * A gateway of this organisation, with a user certificate for its relay or the shared one.
   * @param options.plain as Infisical's platform issues them: no organisation, no generation
   */
  async gateway({
    gatewayId = randomUUID(),
    relayName = RELAY_NAME,
    plain = false,
    generation,
    ...wish
  }: Pick<GatewayWish, "now" | "ttlSeconds" | "shared" | "generation"> & {
    gatewayId?: string;
    relayName?: string;
    plain?: boolean;
  } = {}): Promise<LabGateway> {
    const { relays } = await this.pki.gateway({
      id: gatewayId,
      name: "my-gateway",
      relays: [{ name: relayName, sshPort: CERTIFICATE_SSH_PORT }],
      org: !plain,
      ...(!plain && generation !== undefined && { generation }),
      ...wish,
    });
    const [relay] = relays;
    if (!relay) throw new Error("a gateway without a relay");
    return {
      gatewayId,
      serial: parseSshCertificateLine(relay.ssh.certificate).serial,
      identity: relay.ssh,
      hostAuthorities: relay.hostAuthorities.map(parseSshPublicKey),
    };
  }

  /** A client of this organisation that may reach `gatewayId`. */
  async client(
    gatewayId: string,
    wish: Pick<ClientWish, "now" | "ttlSeconds" | "shared"> = {},
  ): Promise<LabClient> {
    const { relay } = await this.pki.client({ gatewayId, gatewayName: "my-gateway", ...wish });
    const { serial } = parseCertificate(new X509Certificate(relay.certificate).raw);
    return { serial, identity: relay };
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
    timeoutMs: 20_000,
  });
}

/** A client's connection, after its handshake; the relay may still refuse it. */
export async function dialAsClient(relay: Relay, client: LabClient): Promise<Inbox> {
  const { stream } = await dialOuterTls({
    host: RELAY_HOST,
    port: relay.tlsPort,
    identity: client.identity,
    timeoutMs: 20_000,
  });
  return new Inbox(stream);
}
