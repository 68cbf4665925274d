import { formatHostPort } from "../host/address.ts";
import type { ClientCredentials } from "../pki/credentials.ts";
import { SallyportError } from "../telemetry/error.ts";
import { ALPN } from "../tunnel/alpn.ts";
import { systemTimers, type Timers } from "../tunnel/ssh/timers.ts";
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

const OFFER = [ALPN.sallyportMux, ALPN.sallyportTcp, ALPN.tcp];
/** Gateways known to share nothing. */
const MOST_REMEMBERED = 256;
/** Sessions that one open tries, the one that is there included; one that is full does not count. */
const MOST_TRIES = 2;
/** For the last words of sessions that end with us. */
const FAREWELL_MS = 2000;

/**
 * Opens TCP tunnels, those with the same certificates in one session: only the first one takes two handshakes, the others
 * a round trip. A session that is full, worn or silent is left to the tunnels that it has, and another one takes its
 * place. At gateways that share no session each tunnel gets its own, as with `openTunnel`.
 */
export class SharedTunnels {
  readonly #budget = new WindowBudget();
  /** By relay and certificate: the session that takes new tunnels. */
  readonly #sessions = new Map<string, SharedSession>();
  /** All that are not over, also those that take no new tunnels. */
  readonly #alive = new Set<SharedSession>();
  readonly #dialling = new Map<string, Promise<SharedSession | OpenedTunnel>>();
  readonly #alone = new Set<string>();
  readonly #timers: Timers;
  #closed = false;

  constructor({ timers = systemTimers }: { timers?: Timers } = {}) {
    this.#timers = timers;
  }

  /** @throws what `openTunnel` throws, DRAINING after `close` */
  async open(credentials: ClientCredentials, options: SharedTunnelOptions = {}): Promise<OpenedTunnel> {
    const started = performance.now();
    const deadline = started + (options.timeoutMs ?? TIMEOUT_MS);
    const left = () => Math.max(1, deadline - performance.now());
    const key = keyOf(credentials);
    for (let tries = 0; ; ) {
      if (this.#closed) throw closing();
      const known = this.#sessions.get(key);
      const session = known?.isUsable ? known : await this.#another(key, credentials, options, left);
      if (!(session instanceof SharedSession)) return session;
      if (session.isFull && performance.now() < deadline) continue;
      const answer = await session.open(left, { patient: session !== known });
      if (answer.ok) return openedTunnel(session, answer.stream, started);
      tries += 1;
      if (answer.ofSession) this.#leave(key, session);
      if (!answer.ofSession || tries === MOST_TRIES || performance.now() >= deadline) throw answer.error;
    }
  }

  /**
   * Idle sessions end at once, others with their last tunnel. None is opened any more. Resolves when all are over, so
   * that relay and gateway see an end and no loss, or after 2 s.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const [key, session] of [...this.#sessions]) this.#leave(key, session);
    const late = Promise.withResolvers<void>();
    const cancel = this.#timers.after(FAREWELL_MS, late.resolve);
    await Promise.race([Promise.all([...this.#alive].map(({ over }) => over)), late.promise]);
    cancel();
  }

  /** A session that was just dialled, perhaps by somebody else; a tunnel of its own where none are shared. */
  async #another(
    key: string,
    credentials: ClientCredentials,
    options: SharedTunnelOptions,
    left: () => number,
  ): Promise<SharedSession | OpenedTunnel> {
    const present = this.#dialling.get(key);
    const others = present && (await present);
    if (others instanceof SharedSession) return others;
    if (this.#alone.has(key)) return openTunnel(credentials, { ...options, timeoutMs: left() });
    const dialling = this.#dial(key, credentials, options, left).finally(() => this.#dialling.delete(key));
    this.#dialling.set(key, dialling);
    return dialling;
  }

  /** What a dial leads to is for all who wait for it; a gateway that shares nothing gave a tunnel to the first of them. */
  async #dial(
    key: string,
    credentials: ClientCredentials,
    { relayTimeoutMs, outbound }: SharedTunnelOptions,
    left: () => number,
  ): Promise<SharedSession | OpenedTunnel> {
    const started = performance.now();
    const gateway = await reachGateway(credentials, { alpns: OFFER, left, relayTimeoutMs, outbound });
    if (this.#closed) {
      gateway.stream.destroy();
      throw closing();
    }
    if (gateway.alpn !== ALPN.sallyportMux) {
      if (this.#alone.size >= MOST_REMEMBERED) this.#alone.clear();
      this.#alone.add(key);
      return openedTunnel(gateway, await whenServed(gateway, credentials, left()), started);
    }
    for (const [other, session] of [...this.#sessions]) {
      if (isSameWay(other, key)) this.#leave(other, session);
    }
    const session = new SharedSession(gateway, credentials, { budget: this.#budget, timers: this.#timers });
    this.#sessions.set(key, session);
    this.#alive.add(session);
    void session.over.then(() => this.#alive.delete(session));
    session.onClosed(() => {
      if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    });
    return session;
  }

  #leave(key: string, session: SharedSession): void {
    session.retire();
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
  }
}

function keyOf({ relayHost, relayPort, gatewayId, gateway }: ClientCredentials): string {
  return `${formatHostPort(relayHost, relayPort)} ${gatewayId} ${gateway.certificate}`;
}

/** The one before it, full or worn out, or with a certificate that was renewed. */
function isSameWay(one: string, other: string): boolean {
  const [relay, gateway] = one.split(" ", 2);
  const [otherRelay, otherGateway] = other.split(" ", 2);
  return relay === otherRelay && gateway === otherGateway;
}

function closing(): SallyportError {
  return new SallyportError("DRAINING", "No tunnel is opened any more: this process is stopping.");
}
