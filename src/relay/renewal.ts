import { X509Certificate } from "node:crypto";
import { type Clock, sleepFor } from "../host/clock.ts";
import type { RelayCredentials } from "../pki/credentials.ts";
import { relayLifetimes } from "../pki/lifetimes.ts";
import { parseSshCertificateLine } from "../pki/ssh-certificate.ts";
import { describe } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { fullJitter } from "../tunnel/backoff.ts";

/** Infisical's relays ask every 6 h (PROTOCOL 0.1), so revocations and new authorities arrive at least that often. */
const LONGEST_MS = 6 * 60 * 60 * 1000;
const SHORTEST_MS = 1_000;
/** While the certificates at hand last longer, failed renewals are tried again within 3 min, not 30 s (ACCEPTANCE F15). */
const HURRY_MS = 60 * 60 * 1000;
const CALM_RETRY_MS = 180_000;

/**
 * When to ask for new credentials: after 1/2 to 2/3 of what is left of the shortest-lived certificate, at the latest
 * after 6 h, both drawn anew each time so that a fleet does not ask in step. Wall-clock milliseconds.
 */
export function renewalTime(credentials: RelayCredentials, now: number, random: () => number): number {
  const left = expiryOf(credentials) - now;
  const share = left * (1 / 2 + random() / 6);
  const longest = LONGEST_MS * (0.9 + random() * 0.2);
  return now + Math.max(SHORTEST_MS, Math.min(share, longest));
}

/** When the first of the relay's own two certificates ends. Wall-clock milliseconds. */
export function expiryOf(credentials: RelayCredentials): number {
  const tls = Date.parse(new X509Certificate(credentials.tls.certificate).validTo);
  const ssh = Number(parseSshCertificateLine(credentials.ssh.host.certificate).validBefore) * 1000;
  return Math.min(tls, ssh);
}

interface RenewalOptions {
  /** Fetches and takes into use. Its answer is what the next time is counted from. */
  renew: () => Promise<RelayCredentials>;
  clock: Clock;
  random?: () => number;
  log: Logger;
}

/** Keeps credentials fresh: on time, when told that they are stale, and again after a failure. */
export class Renewal {
  readonly #stop = new AbortController();
  #nap = new AbortController();
  #stale = false;
  readonly #options: Required<RenewalOptions>;

  constructor(options: RenewalOptions) {
    this.#options = { random: Math.random, ...options };
  }

  /** Runs until `close`. Never rejects. */
  async run(first: RelayCredentials): Promise<void> {
    const { renew, clock, random, log } = this.#options;
    const hurried = fullJitter({ random });
    const calm = fullJitter({ capMs: CALM_RETRY_MS, random });
    let current = first;
    let due = renewalTime(current, clock.now(), random);
    while (!this.#stop.signal.aborted) {
      if (!this.#stale) await this.#sleep(current, due - clock.now());
      if (this.#stop.signal.aborted) return;
      this.#nap = new AbortController();
      this.#stale = false;
      try {
        current = await renew();
        due = renewalTime(current, clock.now(), random);
        for (const backoff of [hurried, calm]) backoff.reset();
      } catch (error) {
        const backoff = expiryOf(current) - clock.now() > HURRY_MS ? calm : hurried;
        due = clock.now() + backoff.next();
        log.warn("Could not renew the relay's certificates; will try again", { reason: describe(error) });
      }
    }
  }

  /** Shorter when a clock that jumps makes them worthless (ACCEPTANCE F4). */
  async #sleep(current: RelayCredentials, milliseconds: number): Promise<void> {
    const { clock } = this.#options;
    const lifetimes = relayLifetimes(current);
    const areValid = () => {
      const now = clock.now();
      return lifetimes.every(({ from, until }) => from.getTime() <= now && now < until.getTime());
    };
    let wereValid = areValid();
    await sleepFor(clock, milliseconds, this.#nap.signal, () => {
      const before = wereValid;
      wereValid = areValid();
      return before && !wereValid;
    });
  }

  /** Renews now, or once more if a renewal is under way. */
  wake(): void {
    this.#stale = true;
    this.#nap.abort();
  }

  close(): void {
    this.#stop.abort();
    this.#nap.abort();
  }
}
