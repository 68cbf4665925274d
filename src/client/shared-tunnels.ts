import { formatHostPort } from "../host/address.ts";
import type { ClientCredentials } from "../pki/credentials.ts";
import type { Code } from "../telemetry/codes.ts";
import { SallyportError } from "../telemetry/error.ts";
import { ALPN } from "../tunnel/alpn.ts";
import { WindowBudget } from "../tunnel/ssh/window.ts";
import { reachGateway } from "./reach-gateway.ts";
import { SharedSession } from "./shared-session.ts";
import {
  type OpenedTunnel,
  openedTunnel,
  openTunnel,
  TIMEOUT_MS,
  type TunnelOptions,
  whenServed,
} from "./tunnel.ts";

export type SharedTunnelOptions = Pick<TunnelOptions, "timeoutMs" | "relayTimeoutMs" | "outbound">;

/** The gateway's own, last word: another session would lead to the same. */
const FINAL: ReadonlySet<Code> = new Set<Code>([
  "TARGET_DENIED",
  "TARGET_REFUSED",
  "TARGET_TIMEOUT",
  "TARGET_UNRESOLVED",
]);
const OFFER = [ALPN.sallyportMux, ALPN.sallyportTcp, ALPN.tcp];
/** Gateways known to share nothing. */
const MOST_REMEMBERED = 256;

/**
 * Opens TCP tunnels, those with the same certificates in one session: only the first one takes two handshakes, the others
 * a round trip. A session that is full, worn or silent is left to the tunnels that it has, and another one takes its
 * place. At gateways that share no session each tunnel gets its own, as with `openTunnel`.
 */
export class SharedTunnels {
  readonly #budget = new WindowBudget();
  /** By relay and certificate: the session that takes new tunnels. */
  readonly #sessions = new Map<string, SharedSession>();
  readonly #dialling = new Map<string, Promise<OpenedTunnel | undefined>>();
  readonly #alone = new Set<string>();

  /** @throws what `openTunnel` throws */
  async open(credentials: ClientCredentials, options: SharedTunnelOptions = {}): Promise<OpenedTunnel> {
    const started = performance.now();
    const deadline = started + (options.timeoutMs ?? TIMEOUT_MS);
    const left = () => Math.max(1, deadline - performance.now());
    const key = keyOf(credentials);
    let fresh = false;
    for (;;) {
      const session = this.#sessions.get(key);
      if (session?.isUsable) {
        try {
          return openedTunnel(session, await session.open(left), started);
        } catch (error) {
          if (fresh || (error instanceof SallyportError && FINAL.has(error.code))) throw error;
          this.#leave(key, session);
        }
      }
      if (this.#alone.has(key)) return openTunnel(credentials, { ...options, timeoutMs: left() });
      const others = this.#dialling.get(key);
      if (others !== undefined) {
        await others;
      } else {
        const dialling = this.#dial(key, credentials, options, left).finally(() =>
          this.#dialling.delete(key),
        );
        this.#dialling.set(key, dialling);
        const alone = await dialling;
        if (alone) return alone;
      }
      fresh = true;
    }
  }

  /** Sessions end with their last tunnel; none is opened any more. */
  close(): void {
    for (const [key, session] of [...this.#sessions]) this.#leave(key, session);
  }

  /** What a dial leads to is for all who wait for it; a gateway that shares nothing gave a tunnel to the first of them. */
  async #dial(
    key: string,
    credentials: ClientCredentials,
    { relayTimeoutMs, outbound }: SharedTunnelOptions,
    left: () => number,
  ): Promise<OpenedTunnel | undefined> {
    const started = performance.now();
    const gateway = await reachGateway(credentials, { alpns: OFFER, left, relayTimeoutMs, outbound });
    if (gateway.alpn !== ALPN.sallyportMux) {
      if (this.#alone.size >= MOST_REMEMBERED) this.#alone.clear();
      this.#alone.add(key);
      return openedTunnel(gateway, await whenServed(gateway, credentials, left()), started);
    }
    const former = this.#sessions.get(key);
    if (former) this.#leave(key, former);
    const session = new SharedSession(gateway, credentials, this.#budget);
    this.#sessions.set(key, session);
    session.onClosed(() => {
      if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    });
    return undefined;
  }

  #leave(key: string, session: SharedSession): void {
    session.retire();
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
  }
}

function keyOf({ relayHost, relayPort, gateway }: ClientCredentials): string {
  return `${formatHostPort(relayHost, relayPort)} ${gateway.certificate}`;
}
