import { formatHostPort } from "../host/address.ts";
import type { GatewayRelay } from "../pki/credentials.ts";
import { parseSshCertificateLine } from "../pki/ssh-certificate.ts";
import type { Code } from "../telemetry/codes.ts";
import type { SallyportError } from "../telemetry/error.ts";
import { type Backoff, fullJitter } from "../tunnel/backoff.ts";
import { PeerDisconnected } from "../tunnel/ssh/messages.ts";

/** Why there is no tunnel to a relay now, and when the next attempt is due. */
export interface Loss {
  waitMs: number;
  /** Attempts in a row that came to nothing; 0 when there was a session. */
  failures: number;
  code: Code;
  message: string;
  fix?: string;
  /** Whether the next attempt should have newer certificates. */
  refresh: boolean;
  /** Whether there is no point in another attempt before that, unless after the whole wait. */
  needsRenewal: boolean;
}

/** EXTENSIONS X3: the loser waits before it tries that relay again, and so does who was revoked. */
const REPLACED_MS = 60_000;
/** PROTOCOL 0.2: a tunnel that lasted was a success. */
const LASTED_MS = 30_000;
/**
 * The relay may have moved. Not right after the loss: the certificates are good, and all gateways of a relay lose it at
 * the same moment (ACCEPTANCE F15).
 */
const REFRESH_FIRST = 2;
const REFRESH_EVERY = 6;
/** A login with an expired certificate only costs the relay time, until there is a newer one. */
const EXPIRED_MS = 60_000;

/** Decides what follows a failed attempt or a lost tunnel. One for each relay. */
export class RelayLosses {
  readonly #backoff: Backoff;
  readonly #occupied: Backoff;
  #failures = 0;

  constructor(
    private readonly gatewayName: string,
    random: () => number,
  ) {
    this.#backoff = fullJitter({ baseMs: 500, capMs: 30_000, random });
    this.#occupied = fullJitter({ baseMs: 5000, capMs: 60_000, random });
  }

  /** Dialling or logging in failed. @param now wall-clock milliseconds */
  refused(error: SallyportError, relay: GatewayRelay, now: number): Loss {
    if (saysReplaced(error)) return this.#replaced();
    if (saysRevoked(error)) return this.#revoked();
    this.#failures++;
    const untrusted =
      error.code === "SSH_AUTHENTICATION_FAILED" ||
      error.code === "HOST_CERTIFICATE_REFUSED" ||
      error.code === "CERTIFICATE_REFUSED";
    const isExpired = untrusted && hasExpired(relay, now);
    return {
      waitMs: isExpired ? EXPIRED_MS : this.#backoff.next(),
      failures: this.#failures,
      code: error.code,
      message: isExpired ? `This gateway's certificate has expired. ${error.message}` : error.message,
      refresh: untrusted || this.#failures === REFRESH_FIRST || this.#failures % REFRESH_EVERY === 0,
      needsRenewal: isExpired,
    };
  }

  /** The relay closed without a word right after the login: Infisical's does that to a second session (X2). */
  occupied(relay: GatewayRelay): Loss {
    return {
      waitMs: this.#occupied.next(),
      failures: 0,
      code: "GATEWAY_DUPLICATE",
      message:
        `The relay ${formatHostPort(relay.host, relay.sshPort)} closes right after the login: it seems to hold ` +
        "another session of this gateway",
      fix: "Wait if this gateway was just restarted; otherwise stop the other process that uses its credentials",
      refresh: false,
      needsRenewal: false,
    };
  }

  /** A tunnel that was up is over. */
  lost(error: SallyportError | null, upMs: number): Loss {
    this.#failures = 0;
    this.#occupied.reset();
    if (upMs >= LASTED_MS) this.#backoff.reset();
    if (error && saysReplaced(error)) return this.#replaced();
    if (error && saysRevoked(error)) return this.#revoked();
    return {
      waitMs: this.#backoff.next(),
      failures: 0,
      code: error?.code ?? "SSH_DISCONNECTED",
      message: error ? `The tunnel is lost: ${error.message}` : "The relay has closed the tunnel",
      refresh: false,
      needsRenewal: false,
    };
  }

  /** The relay enforces what the platform has said; only newer credentials help. */
  #revoked(): Loss {
    return {
      waitMs: REPLACED_MS,
      failures: 0,
      code: "GATEWAY_REVOKED",
      message: "The relay ended the session: this gateway's access was revoked",
      fix: `If it is still wanted here, get a new token with "sallyport gateway deploy-command ${this.gatewayName}"`,
      refresh: true,
      needsRenewal: false,
    };
  }

  #replaced(): Loss {
    return {
      waitMs: REPLACED_MS,
      failures: 0,
      code: "GATEWAY_DUPLICATE",
      message: "Another process has taken this gateway's place at the relay",
      fix:
        "If that is a copy on another host, stop it or give it a gateway of its own. A new token from " +
        `"sallyport gateway deploy-command ${this.gatewayName}" shuts the copy out, and so does, without a platform, ` +
        `"sallyport ca issue gateway ${this.gatewayName}" once more`,
      refresh: true,
      needsRenewal: false,
    };
  }
}

/** The clock of this machine may be wrong, so this only explains a refusal. */
function hasExpired({ ssh }: GatewayRelay, now: number): boolean {
  return Number(parseSshCertificateLine(ssh.certificate).validBefore) * 1000 <= now;
}

/** Agreed between relay and gateway (EXTENSIONS X3). */
function saysReplaced(error: SallyportError): boolean {
  return error instanceof PeerDisconnected && error.peerReason === "replaced";
}

/** Agreed as well: the relay has cut this session because the platform revoked its credentials. */
function saysRevoked(error: SallyportError): boolean {
  return error instanceof PeerDisconnected && error.peerReason === "revoked";
}
