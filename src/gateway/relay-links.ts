import { settlesWithin } from "../host/clock.ts";
import type { GatewayCredentials, GatewayRelay } from "../pki/credentials.ts";
import { relayLabel } from "./issued.ts";
import { openRelayLink, type RelayLink, type RelayLinkOptions, type TunnelStatus } from "./relay-link.ts";
import type { Loss } from "./relay-loss.ts";

type Shared = Pick<RelayLinkOptions, "dial" | "accept" | "onUp" | "refresh" | "log" | "clock" | "random">;

export interface RelayLinksOptions extends Shared {
  /** The newest ones. */
  credentials: () => GatewayCredentials;
  /** There is no tunnel to a listed relay, after an attempt or a loss. */
  onDown: (label: string, loss: Loss, relay: GatewayRelay) => void;
  /** The relay is about to stop. */
  onDrainAdvice: (relay: GatewayRelay) => void;
}

/** A relay that is no longer listed, or has moved, serves its present connections for this long. */
const RETIRE_MS = 30_000;
/** Before that it is used until the tunnels to all others are up, but no longer than this. */
const LEAVE_MS = 15_000;
/** And for those that have just been sent to it. */
const LINGER_MS = 3000;

/** One link for each relay of a gateway's credentials, whichever they are at the moment. */
export class RelayLinks {
  readonly #options: RelayLinksOptions;
  readonly #stop = new AbortController();
  readonly #links = new Map<string, RelayLink>();
  /** To relays that are no longer listed. */
  readonly #leaving = new Set<RelayLink>();
  #nextUp = Promise.withResolvers<void>();

  constructor(options: RelayLinksOptions) {
    this.#options = options;
  }

  tunnels(): TunnelStatus[] {
    return [...this.#links.values()].map((link) => link.status());
  }

  /** Takes the newest credentials into use: their relays, and certificates for them. A relay that has moved is another one. */
  follow(): void {
    const { gatewayId, relays } = this.#options.credentials();
    const wanted = new Map(relays.map((relay) => [`${gatewayId} ${placeOf(relay)}`, relay]));
    const unlisted = [...this.#links].filter(([place]) => !wanted.has(place));
    for (const link of this.#links.values()) link.renewed();
    for (const [place, relay] of wanted) {
      if (!this.#links.has(place)) this.#links.set(place, this.#open(relay));
    }
    for (const [place, link] of unlisted) {
      this.#links.delete(place);
      this.#leaving.add(link);
      void this.#leave(link);
    }
  }

  /** Lets the channels of every session end, at most `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#all().map((link) => link.drain(graceMs)));
  }

  close(): void {
    this.#stop.abort();
    for (const link of this.#all()) link.close();
  }

  #all(): RelayLink[] {
    return [...this.#links.values(), ...this.#leaving];
  }

  #open(first: GatewayRelay): RelayLink {
    const { credentials, onUp, onDown, onDrainAdvice } = this.#options;
    const { gatewayId, gatewayName } = credentials();
    let latest = first;
    const link: RelayLink = openRelayLink({
      ...this.#options,
      gatewayId,
      gatewayName: gatewayName ?? gatewayId,
      relay: () => {
        latest = credentials().relays.find((relay) => placeOf(relay) === placeOf(first)) ?? latest;
        return latest;
      },
      onUp: (label) => {
        this.#nextUp.resolve();
        this.#nextUp = Promise.withResolvers();
        onUp(label);
      },
      onDown: (label, loss) => {
        if (!this.#leaving.has(link)) onDown(label, loss, latest);
      },
      onDrainAdvice: () => onDrainAdvice(latest),
    });
    return link;
  }

  /** Make before break: what comes meanwhile still comes through. */
  async #leave(link: RelayLink): Promise<void> {
    const { clock } = this.#options;
    if (link.status().state === "up") {
      await settlesWithin(clock, this.#allUp(), LEAVE_MS, this.#stop.signal);
      await clock.sleep(LINGER_MS, this.#stop.signal);
    }
    await link.drain(RETIRE_MS);
    this.#leaving.delete(link);
  }

  async #allUp(): Promise<void> {
    while (this.tunnels().some(({ state }) => state !== "up")) await this.#nextUp.promise;
  }
}

function placeOf(relay: GatewayRelay): string {
  return `${relayLabel(relay)} ${relay.host} ${relay.sshPort}`;
}
