import type { ClientCredentials } from "../pki/credentials.ts";
import { createCertificateRequest } from "../pki/csr.ts";
import { generateX509Key } from "../pki/keys.ts";
import type { Access } from "../platform-client/calls/access.ts";
import type { PlatformClient } from "../platform-client/client.ts";
import type { ResourceKind, TargetMode } from "../platform-client/resource-kinds.ts";
import type { Code } from "../telemetry/codes.ts";
import { SallyportError } from "../telemetry/error.ts";

/** What a person asks for: a named resource, or a target behind a gateway. */
export type Wanted =
  | { resource: string }
  | { gateway: string; targetHost: string; targetPort: number; kind: TargetMode };

/** What leads to a target. */
export interface Admission {
  /** Through the best relay. */
  credentials: ClientCredentials;
  /** Through each relay of the gateway, best first. */
  ways: ClientCredentials[];
  /** The gateway was chosen from a pool: another one may stand in for it. */
  pooled: boolean;
  mode: TargetMode;
  kind: ResourceKind;
  /** Names the platform's answer; absent from an older one's. */
  accessId?: string | undefined;
}

export interface Admitted extends Admission {
  /** Of the best relay. */
  relayName: string;
}

interface Kept {
  value: Admitted;
  askedAt: number;
  renewAt: number;
}

/** Certificates are asked for again this long before they expire, so that a dial never starts with a dying one. */
const RENEWAL_MARGIN_MS = 60_000;
/** A clock that is corrected by less than this does no harm: certificates are backdated by 5 minutes. */
const SET_BACK_MS = 60_000;
/** Nobody asks again sooner, however many dials fail. */
const FRESH_MS = 5000;
/** A pool spreads connections over its gateways, so each one asks anew; those of one moment share an answer. */
const MOMENT_MS = 200;
/** With these the platform does not say no: what it said before still holds. */
const NO_ANSWER: ReadonlySet<Code> = new Set<Code>([
  "PLATFORM_UNREACHABLE",
  "PLATFORM_ERROR",
  "RATE_LIMITED",
  "RESOURCE_SHORTAGE",
  "DATABASE_UNAVAILABLE",
]);

/**
 * Asks the platform for certificates for both hops and keeps them while they last (5 minutes), unless a pool is to
 * choose a gateway for the next connection. The private keys are made here and never leave this process (EXTENSIONS
 * X1).
 */
export class PlatformAccess {
  readonly #client: PlatformClient;
  readonly #wanted: Wanted;
  #kept: Kept | undefined;
  #asking: { failed: Admission | undefined; answer: Promise<Admitted> } | undefined;

  constructor(client: PlatformClient, wanted: Wanted) {
    this.#client = client;
    this.#wanted = wanted;
  }

  /**
   * Certificates good for a dial now; simultaneous callers share one request. @throws what PlatformClient throws
   * @param failed these led nowhere: asks again, which tells the platform so, unless others are at hand
   */
  async current(failed?: Admission): Promise<Admitted> {
    const kept = this.#kept;
    const now = Date.now();
    // After a clock was set back they are not valid yet (ACCEPTANCE F4).
    const isGood = kept !== undefined && kept.askedAt - SET_BACK_MS <= now && now < kept.renewAt;
    if (isGood && isEnough(kept, failed, now)) return kept.value;
    try {
      return await this.#ask(failed);
    } catch (error) {
      if (isGood && failed === undefined && isNoAnswer(error)) return kept.value;
      throw error;
    }
  }

  /** Callers with the same reason to ask share an answer. */
  #ask(failed: Admission | undefined): Promise<Admitted> {
    if (this.#asking && this.#asking.failed === failed) return this.#asking.answer;
    const asking = {
      failed,
      answer: this.#askNow(failed).finally(() => {
        if (this.#asking === asking) this.#asking = undefined;
      }),
    };
    this.#asking = asking;
    return asking.answer;
  }

  async #askNow(failed: Admission | undefined): Promise<Admitted> {
    const [relayKey, gatewayKey] = await Promise.all([generateX509Key(), generateX509Key()]);
    const [relayCsr, gatewayCsr] = await Promise.all([
      createCertificateRequest(relayKey.keyPair),
      createCertificateRequest(gatewayKey.keyPair),
    ]);
    const access = await this.#request({ relayCsr, gatewayCsr }, failed);
    const credentials = credentialsOf(access, relayKey.privateKeyPem, gatewayKey.privateKeyPem);
    const others = (access.relays ?? []).slice(1).map((way) => throughRelay(credentials, way));
    const { kind, mode } = access.target;
    const value: Admitted = {
      credentials,
      ways: [credentials, ...others],
      pooled: access.pool != null,
      mode: mode ?? (kind === "http" ? "http" : "tcp"),
      kind,
      relayName: access.relayName,
      accessId: access.accessId,
    };
    const renewAt = Date.parse(access.expiresAt) - RENEWAL_MARGIN_MS;
    this.#kept = { value, askedAt: Date.now(), renewAt };
    return value;
  }

  #request(keys: { relayCsr: string; gatewayCsr: string }, failed: Admission | undefined): Promise<Access> {
    const wanted = this.#wanted;
    if ("resource" in wanted) {
      const failedAccessId = failed?.pooled ? failed.accessId : undefined;
      return this.#client.access.toResource(wanted.resource, {
        ...keys,
        ...(failedAccessId !== undefined && { failedAccessId }),
      });
    }
    const { gateway, targetHost, targetPort, kind } = wanted;
    return this.#client.access.throughGateway(gateway, { ...keys, targetHost, targetPort, kind });
  }
}

/** Whether what is at hand does for the next dial. */
function isEnough({ value, askedAt }: Kept, failed: Admission | undefined, now: number): boolean {
  if (!value.pooled) return failed === undefined || now - askedAt < FRESH_MS;
  if (failed === undefined) return now - askedAt < MOMENT_MS;
  return value.credentials.gatewayId !== failed.credentials.gatewayId;
}

function isNoAnswer(error: unknown): boolean {
  return error instanceof SallyportError && NO_ANSWER.has(error.code);
}

/** The same towards the gateway, by another of its relays. */
function throughRelay(
  first: ClientCredentials,
  { relayHost, relayPort, clientCertificate, serverCertificateChain }: NonNullable<Access["relays"]>[number],
): ClientCredentials {
  const { privateKey } = first.relay;
  const relay = { certificate: clientCertificate, privateKey, serverAuthorities: serverCertificateChain };
  return { ...first, relayHost, relayPort, relay };
}

function credentialsOf(access: Access, relayKey: string, gatewayKey: string): ClientCredentials {
  return {
    gatewayId: access.gatewayId,
    gatewayName: access.gatewayName,
    relayHost: access.relayHost,
    relayPort: access.relayPort,
    relay: {
      certificate: access.relay.clientCertificate,
      privateKey: relayKey,
      serverAuthorities: access.relay.serverCertificateChain,
    },
    gateway: {
      certificate: access.gateway.clientCertificate,
      privateKey: gatewayKey,
      serverAuthorities: access.gateway.serverCertificateChain,
    },
    target: { host: access.target.host, port: access.target.port },
    requireGatewayUri: true,
  };
}
