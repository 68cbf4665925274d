import type { SshLimits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/** A peer may ask for new keys as often as it likes after this much data; sooner it has a few free. */
const FREE_AFTER_BYTES = 1024 * 1024;
const FREE_BURST = 20;
const FREE_PER_SECOND = 1;

/** Bytes that have gone through a connection since its beginning. */
export interface Traffic {
  received: number;
  sent: number;
}

/** When keys are worn out, and how often the peer may change them. */
export class RekeyPolicy {
  #since: number;
  #before: Traffic = { received: 0, sent: 0 };
  readonly #early: TokenBucket;

  constructor(
    private readonly limits: Pick<SshLimits, "rekeyBytes" | "rekeyMs">,
    private readonly now: () => number,
  ) {
    this.#since = now();
    this.#early = new TokenBucket(FREE_PER_SECOND, FREE_BURST, now);
  }

  /** New keys are in use. */
  changed(traffic: Traffic): void {
    this.#since = this.now();
    this.#before = traffic;
  }

  wornByBytes(traffic: Traffic): boolean {
    return this.#busier(traffic) >= this.limits.rekeyBytes;
  }

  wornByTime(): boolean {
    return this.now() - this.#since >= this.limits.rekeyMs;
  }

  /** Whether a key exchange that the peer starts now is acceptable. */
  peerMayStart(traffic: Traffic): boolean {
    return this.#busier(traffic) >= FREE_AFTER_BYTES || this.#early.take();
  }

  #busier({ received, sent }: Traffic): number {
    return Math.max(received - this.#before.received, sent - this.#before.sent);
  }
}
