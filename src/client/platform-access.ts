import type { ClientCredentials } from "../pki/credentials.ts";
import { createCertificateRequest } from "../pki/csr.ts";
import { generateX509Key } from "../pki/keys.ts";
import type { Access } from "../platform-client/answers.ts";
import type { PlatformClient } from "../platform-client/client.ts";

/** What a person asks for: a named resource, or a target behind a gateway. */
export type Wanted =
  | { resource: string }
  | { gateway: string; targetHost: string; targetPort: number; kind: "tcp" | "http" };

export interface Admitted {
  /** Through the best relay. */
  credentials: ClientCredentials;
  /** Through each relay of the gateway, best first. */
  ways: ClientCredentials[];
  kind: "tcp" | "http";
  relayName: string;
}

/** Certificates are asked for again this long before they expire, so that a dial never starts with a dying one. */
const RENEWAL_MARGIN_MS = 60_000;
/** Nobody asks again sooner, however many dials fail. */
const FRESH_MS = 5000;

/**
 * Asks the platform for certificates for both hops and keeps them while they last (5 minutes). The private keys are
 * made here and never leave this process (EXTENSIONS X1).
 */
export class PlatformAccess {
  readonly #client: PlatformClient;
  readonly #wanted: Wanted;
  #admitted: { value: Admitted; askedAt: number; renewAt: number } | undefined;
  #asking: Promise<Admitted> | undefined;

  constructor(client: PlatformClient, wanted: Wanted) {
    this.#client = client;
    this.#wanted = wanted;
  }

  /**
   * Certificates good for a dial now; simultaneous callers share one request. @throws what PlatformClient throws
   * @param anew those at hand led nowhere: asks again, unless they are new
   */
  async current(anew = false): Promise<Admitted> {
    const now = Date.now();
    const known = this.#admitted;
    const isGood = known && now < known.renewAt && (!anew || now - known.askedAt < FRESH_MS);
    if (known && isGood) return known.value;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return await this.#asking;
  }

  async #ask(): Promise<Admitted> {
    const [relayKey, gatewayKey] = await Promise.all([generateX509Key(), generateX509Key()]);
    const [relayCsr, gatewayCsr] = await Promise.all([
      createCertificateRequest(relayKey.keyPair),
      createCertificateRequest(gatewayKey.keyPair),
    ]);
    const access = await this.#request({ relayCsr, gatewayCsr });
    const credentials = credentialsOf(access, relayKey.privateKeyPem, gatewayKey.privateKeyPem);
    const others = (access.relays ?? []).slice(1).map((way) => throughRelay(credentials, way));
    const value: Admitted = {
      credentials,
      ways: [credentials, ...others],
      kind: access.target.kind,
      relayName: access.relayName,
    };
    const askedAt = Date.now();
    this.#admitted = { value, askedAt, renewAt: Date.parse(access.expiresAt) - RENEWAL_MARGIN_MS };
    return value;
  }

  #request(keys: { relayCsr: string; gatewayCsr: string }): Promise<Access> {
    const wanted = this.#wanted;
    if ("resource" in wanted) return this.#client.accessResource(wanted.resource, keys);
    const { gateway, targetHost, targetPort, kind } = wanted;
    return this.#client.accessGateway(gateway, { ...keys, targetHost, targetPort, kind });
  }
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
