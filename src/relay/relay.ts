import { matchAddresses } from "../host/address-ranges.ts";
import { type Clock, systemClock } from "../host/clock.ts";
import { Spread } from "../host/spread.ts";
import type { CredentialSource, RelayCredentials } from "../pki/credentials.ts";
import { DistrustedAuthorities } from "../pki/distrust.ts";
import type { Follow } from "../platform-client/event-stream.ts";
import { createInstruments, type Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import { renewalFailed, renewalWorked } from "../telemetry/platform-conditions.ts";
import type { RoleStatus } from "../telemetry/status.ts";
import { RelayAdmission } from "./admission.ts";
import type { Control } from "./control.ts";
import { cutRevokedSessions, retireExpiredSessions } from "./enforcement.ts";
import { type Front, type ListenAt, openFront } from "./front.ts";
import type { GatewaySession } from "./gateway-session.ts";
import { DEFAULT_RELAY_LIMITS, type RelayLimits } from "./limits.ts";
import { type Order, PlatformEnforcement } from "./platform-events.ts";
import { Renewal } from "./renewal.ts";
import { Roster } from "./roster.ts";
import type { Duplicate, RoutingTable } from "./routing-table.ts";
import type { RelaySession } from "./session.ts";
import { measureRelay, raiseDuplicates, relayStatus } from "./status.ts";
import { type SendReport, TunnelReporter } from "./tunnel-reports.ts";
import { openWorkers, type WorkerOptions } from "./workers/pool.ts";
import type { RemoteSession } from "./workers/remote-session.ts";

export interface RelayOptions {
  credentials: CredentialSource<RelayCredentials>;
  listen: ListenAt;
  limits?: Partial<RelayLimits>;
  /** Addresses and CIDRs without a connection limit of their own and without penalties. */
  exempt?: string[];
  /** Several processes on one pair of ports; this process alone unless told. */
  workers?: WorkerOptions | undefined;
  /** What it counts into and says its conditions to; its own unless told. */
  instruments?: Instruments;
  /** Follows the platform's events; absent without a platform. */
  follow?: Follow;
  /** Tells the platform which tunnels there are; absent without a platform. */
  report?: SendReport;
  log: Logger;
  clock?: Clock;
}

export interface RelaySessionInfo {
  gatewayId: string;
  gatewayName: string | undefined;
  orgId: string | undefined;
  generation: number;
  since: Date;
  /** Tunnels that are open or being opened. */
  channels: number;
  remoteAddress: string;
}

export interface Relay {
  readonly sshPort: number;
  readonly tlsPort: number;
  /** Gateways that are served. */
  sessions(): RelaySessionInfo[];
  /** GATEWAY_DUPLICATE: gateways whose credentials two hosts hold. */
  duplicates(): Duplicate[];
  status(): RoleStatus;
  /** Resolves when the platform tells this relay to stop; it serves no one any more after "revoked". */
  readonly ordered: Promise<Order>;
  /** Takes newer certificates and revocations, if there are any. */
  reload(): void;
  /** Takes no new gateway and no new client, lets tunnels end for at most `graceMs`, then closes. */
  drain(graceMs: number): Promise<void>;
  close(): void;
}

/** How often a draining relay looks whether there is still a gateway to wait for. */
const ADVICE_LOOK_MS = 100;
/** How often sessions are compared with the wall clock: a suspended machine notices within this time. */
const SWEEP_MS = 5_000;

/**
 * The rendezvous: gateways dial in by SSH, clients by TLS, and the relay joins the two without being able to read what
 * goes through.
 * @throws SallyportError PORT_IN_USE, or what the credential source says
 */
export function startRelay(options: RelayOptions): Promise<Relay> {
  const { workers } = options;
  if (workers) return start<RemoteSession>(options, (control) => openWorkers(control, workers));
  return start<RelaySession>(options, (control) =>
    openFront({ ...control, places: control.roster, routes: control.roster.table }),
  );
}

async function start<S extends GatewaySession>(
  options: RelayOptions,
  open: (control: Control<S>) => Promise<Front>,
): Promise<Relay> {
  const { credentials: source, log, clock = systemClock } = options;
  const { instruments = createInstruments() } = options;
  const limits = { ...DEFAULT_RELAY_LIMITS, ...options.limits };
  const roster = new Roster<S>(limits.drainMs);
  const { table } = roster;
  const stop = new AbortController();
  source.tell?.(instruments.conditions);
  let current = await source.load();

  const { promise: ordered, resolve: order } = Promise.withResolvers<Order>();
  const distrusted = new DistrustedAuthorities();
  const spread = new Spread({
    act: () => renewal.wake(),
    clock,
    random: Math.random,
    signal: stop.signal,
  });
  /** Takes distrusted authorities out of the present credentials. False: there are none. */
  const prune = async () => {
    const before = current;
    const pruned = await distrusted.relay(before);
    if (pruned === before || current !== before) return false;
    current = pruned;
    return true;
  };
  /** What they let in goes, also where newer credentials were here before the event. */
  const dropTrust = async (fingerprints: string[]) => {
    distrusted.add(fingerprints);
    if (await prune()) front.reload();
    if (stop.signal.aborted) return;
    log.warn("The platform distrusts authorities of this relay: what they signed is cut and refused");
    for (const session of roster.all()) {
      table.release(session);
      session.cut("certificate expired");
    }
  };
  const enforcement = new PlatformEnforcement({
    sessions: roster,
    cutClients: (serials) => front.cutClients(serials),
    drainMs: limits.drainMs,
    renew: (withinMs) => spread.within(withinMs),
    distrust: (fingerprints) => void dropTrust(fingerprints),
    onOrder(what) {
      if (what === "revoked") void close();
      order(what);
    },
    log,
  });
  const { exempt = [] } = options;
  const admission = new RelayAdmission({ limits, exempt: matchAddresses(exempt) });
  const front = await open({
    listen: options.listen,
    credentials: () => current,
    identity: () => ({
      relayName: current.relayName,
      revocations: current.revocations,
      endedSerials: enforcement.endedSerials,
    }),
    ...{ roster, admission, exempt, limits, clock, instruments, log },
  });

  const renewal = new Renewal({
    clock,
    log,
    async renew() {
      const fresh = await source.load().catch((error: unknown) => {
        renewalFailed(instruments.conditions, error);
        throw error;
      });
      renewalWorked(instruments.conditions);
      if (stop.signal.aborted) return fresh;
      current = fresh;
      await prune();
      front.reload();
      if (fresh.revocations) {
        cutRevokedSessions(roster, fresh.revocations);
        front.cutClients(fresh.revocations.serials);
      }
      log.debug("Credentials renewed");
      return fresh;
    },
  });
  source.onStale(() => renewal.wake());
  void renewal.run(current);
  void sweep(clock, stop.signal, () => {
    retireExpiredSessions(roster, clock.now(), limits.drainMs);
    raiseDuplicates(table.duplicates(), instruments.conditions);
  });
  void options.follow?.(enforcement, stop.signal);
  const reporter = new TunnelReporter({
    send: options.report,
    sessions: () => table.sessions(),
    refuse: (gatewayId, generation) => enforcement.refuse(gatewayId, generation),
    clock,
    log,
  });
  table.watch(() => reporter.changed());
  void reporter.run();
  measureRelay(table, admission, instruments);

  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= closeNow();
    return closed;
  };
  const closeNow = () => {
    void reporter.close();
    stop.abort();
    renewal.close();
    source.close();
    for (const session of roster.all()) session.cut("draining");
    return front.close();
  };

  return {
    sshPort: front.sshPort,
    tlsPort: front.tlsPort,
    sessions: () => table.sessions().map(describeSession),
    duplicates: () => table.duplicates(),
    ordered,
    status() {
      const listening = { ssh: front.sshPort, tls: front.tlsPort };
      const { windowBudget: budget, workers } = front;
      return {
        ...relayStatus({ credentials: current, table, budget, listening }),
        ...(workers && { workers }),
      };
    },
    reload: () => renewal.wake(),
    async drain(graceMs) {
      front.enter("leaving");
      const began = performance.now();
      await gatewaysHaveMoved(table, Math.min(limits.adviceMs, graceMs / 3), clock, stop.signal);
      front.enter("draining");
      const told = reporter.close();
      const left = Math.max(0, graceMs - (performance.now() - began));
      await Promise.all([told, ...roster.all().map((session) => session.retire("draining", left))]);
      await close();
    },
    close: () => void close(),
  };
}

async function sweep(clock: Clock, signal: AbortSignal, work: () => void): Promise<void> {
  while (!signal.aborted) {
    work();
    await clock.sleep(SWEEP_MS, signal);
  }
}

/** Advises the gateways to get themselves another tunnel, and gives those that understand the time for it. */
async function gatewaysHaveMoved(
  table: RoutingTable<GatewaySession>,
  adviceMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const advised = table.sessions().filter((session) => session.advise());
  const deadline = performance.now() + adviceMs;
  const isThere = (session: GatewaySession) => table.find(session.gatewayId) === session;
  while (advised.some(isThere) && performance.now() < deadline && !signal.aborted) {
    await clock.sleep(Math.min(ADVICE_LOOK_MS, adviceMs), signal);
  }
}

function describeSession(session: GatewaySession): RelaySessionInfo {
  const { gatewayId, gatewayName, orgId, generation, since, channels, remoteAddress } = session;
  return { gatewayId, gatewayName, orgId, generation, since, channels, remoteAddress };
}
