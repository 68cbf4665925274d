import type { CredentialSource, GatewayCredentials } from "../pki/credentials.ts";
import { DistrustedAuthorities } from "../pki/distrust.ts";
import type { Conditions } from "../telemetry/conditions.ts";
import { describe } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";

interface CurrentCredentialsOptions {
  source: CredentialSource<GatewayCredentials>;
  /** What the source gave first. */
  first: GatewayCredentials;
  /** Uses what is at hand from now on. */
  apply: () => void;
  conditions: Conditions;
  signal: AbortSignal;
  log: Logger;
}

/** What a gateway works with: the newest that its source has, without the authorities that its platform distrusts. */
export class CurrentCredentials {
  readonly #options: CurrentCredentialsOptions;
  readonly #distrusted = new DistrustedAuthorities();
  /** As they came. */
  #loaded: GatewayCredentials;
  /** As they are used. */
  #value: GatewayCredentials;
  #reloading: Promise<void> | undefined;
  #reloadAgain = false;

  constructor(options: CurrentCredentialsOptions) {
    this.#options = options;
    this.#loaded = options.first;
    this.#value = options.first;
  }

  get value(): GatewayCredentials {
    return this.#value;
  }

  /** Newest credentials for what comes next. Never fails: those at hand stay where there are no better ones. */
  reload(): Promise<void> {
    this.#reloadAgain = true;
    this.#reloading ??= this.#reloadWhileAsked();
    return this.#reloading;
  }

  /** Does without these authorities until there are credentials of others. */
  async distrust(fingerprints: string[]): Promise<void> {
    this.#distrusted.add(fingerprints);
    await this.#prune();
  }

  async #reloadWhileAsked(): Promise<void> {
    const { signal, conditions, log } = this.#options;
    while (this.#reloadAgain && !signal.aborted) {
      this.#reloadAgain = false;
      try {
        await this.#loadAndApply();
        conditions.clear("credentials");
      } catch (error) {
        if (signal.aborted) return;
        log.warn("The new credentials can't be used; going on with those at hand", {
          reason: describe(error),
        });
        conditions.raise("credentials", "RENEWAL_FAILED", {
          text: describe(error),
          fix: "Do what the message says; the present certificates are used as long as they are valid.",
        });
      }
    }
    // Not a turn later: who asks in between would be asking the one that is over.
    this.#reloading = undefined;
  }

  async #loadAndApply(): Promise<void> {
    const { source, apply, signal } = this.#options;
    const loaded = await source.load();
    if (signal.aborted || loaded === this.#loaded) return;
    this.#loaded = loaded;
    this.#value = loaded;
    await this.#prune();
    apply();
  }

  /** Takes distrusted authorities out, unless newer credentials came meanwhile: those are pruned by themselves. */
  async #prune(): Promise<void> {
    const before = this.#value;
    const pruned = await this.#distrusted.gateway(before);
    if (this.#value === before) this.#value = pruned;
  }
}
