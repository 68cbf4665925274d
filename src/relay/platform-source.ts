import { type Clock, settlesWithin, sleepFor, systemClock } from "../host/clock.ts";
import type { CredentialSource, RelayCredentials } from "../pki/credentials.ts";
import { parseSshCertificateLine } from "../pki/ssh-certificate.ts";
import type { RelayConnect } from "../platform-client/calls/relay-agent.ts";
import { generateOwnKeys, keyOf, type OwnKeys, type PublicParts } from "../platform-client/own-keys.ts";
import type { Code } from "../telemetry/codes.ts";
import type { Conditions } from "../telemetry/conditions.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { expiryOf } from "./renewal.ts";
import { findStored, StoredCredentials } from "./stored-credentials.ts";

interface PlatformSourceOptions {
  /** The call that answers with certificates: connect, or an instance relay's registration (PROTOCOL A.2). */
  connect: (parts: PublicParts) => Promise<RelayConnect>;
  relayName: string;
  /** Known after enrolment; stored certificates of another relay are not used. */
  relayId?: string | undefined;
  /** 0700; keys and certificates stay here, so that the relay starts while the platform is away. */
  stateDirectory: string;
  clock?: Clock;
  /** Uniform in [0, 1). */
  random?: () => number;
  log: Logger;
}

/** After a start with stored certificates the platform is asked again this often. */
const RETRY_MS = 30_000;
/** How long valid stored certificates wait for the platform before they are used as they are. */
const PATIENCE_MS = 5_000;
/** A relay that can't start without the platform asks this often, 10 % more or less (ACCEPTANCE F15). */
const WAIT_MS = 10_000;

/**
 * Credentials from a platform, ours or Infisical's. The private keys are made here and only their public parts are
 * sent (EXTENSIONS X1); a platform that does not know that sends its own, which are then used. Only the first `load`
 * falls back to stored certificates; later the caller still has the ones that it uses. A relay whose stored
 * certificates have expired waits for the platform; one that never had any fails, with the reason.
 */
export function platformSource(options: PlatformSourceOptions): CredentialSource<RelayCredentials> {
  return new PlatformSource(options);
}

class PlatformSource implements CredentialSource<RelayCredentials> {
  readonly #options: PlatformSourceOptions;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  #keys: OwnKeys | undefined;
  #loaded = false;
  #conditions: Conditions | undefined;
  #stored: StoredCredentials | undefined;

  constructor(options: PlatformSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async load(): Promise<RelayCredentials> {
    if (this.#loaded) return this.#fetch();
    const credentials = await this.#first();
    this.#loaded = true;
    return credentials;
  }

  onStale(listener: () => void): void {
    this.#listeners.add(listener);
  }

  tell(conditions: Conditions): void {
    this.#conditions = conditions;
  }

  close(): void {
    this.#stop.abort();
    this.#listeners.clear();
    this.#stored?.close();
  }

  async #fetch(): Promise<RelayCredentials> {
    const { connect, stateDirectory, log } = this.#options;
    this.#keys ??= await generateOwnKeys();
    const answer = await connect(this.#keys.parts);
    const credentials = credentialsFrom(answer, this.#keys, this.#options);
    this.#stored ??= new StoredCredentials(stateDirectory, log, this.#conditions);
    await this.#stored.keep(credentials);
    return credentials;
  }

  async #first(): Promise<RelayCredentials> {
    const stored = await findStored(this.#options);
    if (!stored) return this.#fetch();
    if (expiryOf(stored) <= this.#clock.now()) return this.#whenThere();
    const fetched = this.#fetch();
    const inTime = await settlesWithin(this.#clock, fetched, PATIENCE_MS, this.#stop.signal);
    try {
      if (inTime) return await fetched;
    } catch (error) {
      if (!isAway(error)) throw error;
    }
    this.#options.log.warn("The platform is away; starting with the certificates kept from before");
    void sleepFor(this.#clock, RETRY_MS, this.#stop.signal).then(() => {
      for (const listener of this.#listeners) listener();
    });
    return stored;
  }

  /** @throws SallyportError DRAINING when closed; whatever says that the platform is there and refuses */
  async #whenThere(): Promise<RelayCredentials> {
    const { log, random = Math.random } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        return await this.#fetch();
      } catch (error) {
        if (!isAway(error)) throw error;
        log.warn("The kept certificates have expired and the platform is away; waiting for it", {
          reason: describe(error),
        });
      }
      await sleepFor(this.#clock, WAIT_MS * (0.9 + 0.2 * random()), this.#stop.signal);
    }
    throw new SallyportError("DRAINING", "The relay is shutting down.");
  }
}

function credentialsFrom(
  answer: RelayConnect,
  keys: OwnKeys,
  { relayName, relayId }: PlatformSourceOptions,
): RelayCredentials {
  const { pki, ssh } = answer;
  if (answer.relayName !== undefined && answer.relayName !== relayName) {
    throw new SallyportError(
      "CONFIG_INVALID",
      `The platform knows this relay as ${JSON.stringify(answer.relayName)}: start it with that name, or every gateway refuses it.`,
    );
  }
  return {
    relayId: answer.relayId ?? relayId ?? relayName,
    relayName,
    host: hostOf(ssh.serverCertificate),
    tls: {
      certificate: pki.serverCertificate,
      privateKey: keyOf(pki.serverCertificate, pki.serverPrivateKey, keys),
      clientAuthorities: pki.clientCertificateChain,
    },
    ssh: {
      host: { certificate: ssh.serverCertificate, privateKey: ssh.serverPrivateKey ?? keys.ssh.privateKey },
      userAuthorities: ssh.clientCAPublicKey.split("\n").filter((line) => line.trim() !== ""),
    },
  };
}

/** The first principal is `<host>:<port>` (PROTOCOL C.4). */
function hostOf(certificate: string): string {
  const principal = parseSshCertificateLine(certificate).principals[0] ?? "";
  return principal.replace(/:\d+$/, "");
}

/** The platform did not answer, or is broken, or a proxy is in the way: none of it says anything about this relay. */
function isAway(error: unknown): boolean {
  return error instanceof SallyportError && AWAY.has(error.code);
}

const AWAY: ReadonlySet<Code> = new Set<Code>([
  "PLATFORM_UNREACHABLE",
  "PLATFORM_ERROR",
  "PROXY_UNREACHABLE",
  "PROXY_REFUSED",
]);
