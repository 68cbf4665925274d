/**
 * What each role runs with, wherever it comes from: a directory made by `ca issue`, Sallyport's platform or
 * Infisical's. PEM and OpenSSH texts as PROTOCOL 0.5 lists them.
 */
import type { Conditions } from "../telemetry/conditions.ts";

export interface X509Identity {
  /** The leaf, PEM. */
  certificate: string;
  /** PKCS#8, PEM. */
  privateKey: string;
}

export interface SshIdentity {
  /** One line: `<type> <base64>[ comment]`. */
  certificate: string;
  /** OpenSSH private key or PKCS#8, unencrypted. */
  privateKey: string;
}

/** What must be refused although its certificate is still valid. */
export interface Revocations {
  /** X.509 serials in lower-case hex without leading zeros; SSH serials in decimal with the prefix `ssh:`. */
  serials: ReadonlySet<string>;
  gatewayIds: ReadonlySet<string>;
}

export interface RelayCredentials {
  relayId: string;
  relayName: string;
  /** The name or address that gateways and clients dial. */
  host: string;
  tls: X509Identity & { /** PEM bundle that client certificates must chain to. */ clientAuthorities: string };
  ssh: {
    host: SshIdentity /** Public key lines of the CAs that sign gateways. */;
    userAuthorities: string[];
  };
  revocations?: Revocations;
}

/** A relay as a gateway sees it. */
export interface GatewayRelay {
  relayName: string | undefined;
  host: string;
  sshPort: number;
  ssh: SshIdentity;
  /** Public key lines of the CAs that sign relays. */
  hostAuthorities: string[];
}

export interface GatewayCredentials {
  gatewayId: string;
  gatewayName: string | undefined;
  relays: GatewayRelay[];
  tls: X509Identity & { clientAuthorities: string };
  revocations?: Revocations;
}

export interface ClientCredentials {
  gatewayId: string;
  gatewayName: string | undefined;
  relayHost: string;
  /** Where to connect when it was resolved already; the relay still has to prove that it is `relayHost`. */
  relayAddress?: string;
  /** TLS port of the relay. */
  relayPort: number;
  relay: X509Identity & { serverAuthorities: string };
  gateway: X509Identity & { serverAuthorities: string };
  /** What the gateway certificate allows to reach; for messages only. */
  target: { host: string; port: number } | undefined;
  /** True when the gateway's certificate must carry its URI name (EXTENSIONS X9); false towards Infisical's. */
  requireGatewayUri: boolean;
}

/** Where a daemon gets its credentials from, now and later. */
export interface CredentialSource<T> {
  /** Credentials that are valid now. @throws SallyportError */
  load(): Promise<T>;
  /** Where it says what is wrong, as long as it lasts. */
  tell?(conditions: Conditions): void;
  /** Calls back when `load` should be called again (a file changed, SIGHUP, an event). */
  onStale(listener: () => void): void;
  close(): void;
}
