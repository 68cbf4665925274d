import { type Clock, systemClock } from "../../host/clock.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { KeptToken } from "./kept-token.ts";

interface MachineAccessOptions {
  /** Proves who this machine is and gets an access token. */
  login: () => Promise<{ accessToken: string }>;
  kept: Pick<KeptToken, "read" | "write">;
  log: Logger;
  clock?: Clock;
}

/** Two hosts that log in as one gateway take it from each other once a minute at most (ACCEPTANCE F3) ... */
const PAUSE_MS = 60_000;
/** ... and ever more seldom as long as it goes on. */
const LONGEST_PAUSE_MS = 3_600_000;
/** A login that held so long was not part of such a quarrel. */
const HELD_MS = 600_000;

/**
 * The access token of what logs in by its machine: kept over restarts, and had anew when the platform no longer takes it,
 * because it was revoked or somebody else logged in since.
 */
export class MachineAccess {
  readonly #options: MachineAccessOptions;
  readonly #clock: Clock;
  #token: string | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #loggedInAt = Number.NEGATIVE_INFINITY;
  #pauseMs = PAUSE_MS;
  #loggingIn: Promise<void> | undefined;

  constructor(options: MachineAccessOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Uses what is kept, or logs in. @throws SallyportError what the login throws */
  async open(): Promise<void> {
    this.#token = await this.#options.kept.read();
    if (this.#token === undefined) await this.login();
  }

  /** @throws SallyportError INTERNAL before it is open */
  token(): string {
    if (this.#token !== undefined) return this.#token;
    throw new SallyportError("INTERNAL", "There is no access token yet.");
  }

  /** Gets a new token, which makes the one before worthless. Simultaneous callers share one login. */
  login(): Promise<void> {
    this.#loggingIn ??= this.#login().finally(() => {
      this.#loggingIn = undefined;
    });
    return this.#loggingIn;
  }

  /**
   * Makes a call with the token; one that is refused for it is made again after a new login, unless there was one
   * lately.
   * @throws SallyportError what the call or the login throws
   */
  async call<T>(work: () => Promise<T>): Promise<T> {
    const token = this.#token;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code !== "UNAUTHENTICATED") throw error;
      if (token === this.#token) {
        if (!this.#mayLogIn()) throw error;
        this.#options.log.warn("The platform no longer takes this access token; logging in again", {
          reason: error.message,
        });
        await this.login();
      }
      return await work();
    }
  }

  #mayLogIn(): boolean {
    if (this.#loggingIn !== undefined) return true;
    const now = this.#clock.now();
    return now - this.#triedAt >= PAUSE_MS && now - this.#loggedInAt >= this.#pauseMs;
  }

  async #login(): Promise<void> {
    const now = this.#clock.now();
    this.#triedAt = now;
    const { accessToken } = await this.#options.login();
    this.#token = accessToken;
    const held = now - this.#loggedInAt >= HELD_MS;
    this.#pauseMs = held ? PAUSE_MS : Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.#loggedInAt = now;
    await this.#options.kept.write(accessToken);
    this.#options.log.info("Logged in");
  }
}
