import { describe } from "../../../telemetry/error.ts";
import { hasProbesDue, listDue, takeProbesDue } from "../../store/health.ts";
import { dropLease, takeLease } from "../../store/leases.ts";
import { extendLeases } from "../../store/relay-tunnels.ts";
import type { Core } from "../core.ts";
import { endLostLeases } from "./lost-leases.ts";
import { WATCH_LEASE } from "./moment.ts";
import type { Probes } from "./probes.ts";
import { recordHealth } from "./record.ts";

/** What else is done by one replica at a time, once a second. */
export type Chore = () => Promise<void>;

const ROUND_MS = 1000;
/** Another replica goes on after this. */
const LEASE_MS = 10_000;
const RENEW_MS = 3000;
/** Nobody watched for so long: the platform was away. */
const GAP_MS = 5000;
/** EXTENSIONS X7. */
const RELAY_LEASE_MS = 20_000;
/** Judged in one transaction. */
const BATCH = 200;
/** Whoever was taken to be probed is taken again after this, if nothing came of it. */
const PROBE_AGAIN_MS = 60_000;

/**
 * What happens to health by the time alone: relays that fall silent, heartbeats that stay away, certificates that end,
 * and whose turn to be probed it is. Several replicas share one schedule: whoever holds the lease keeps it.
 */
export class HealthWatch {
  readonly #core: Core;
  readonly #probes: Probes;
  readonly #chores: Chore[];
  readonly #holder = crypto.randomUUID();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #isHolder = false;
  /** When the lease is to be renewed, or asked for again. */
  #askAt = 0;
  #troubled = false;

  constructor(core: Core, probes: Probes, chores: Chore[] = []) {
    this.#core = core;
    this.#probes = probes;
    this.#chores = chores;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#running ??= this.#roundSafely().finally(() => {
        this.#running = undefined;
      });
    }, ROUND_MS);
  }

  /** Gives the schedule to another replica. Safe to call twice. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    if (!this.#isHolder) return;
    this.#isHolder = false;
    this.#askAt = 0;
    await this.#core.store
      .transaction((sql) => dropLease(sql, this.#lease, this.#core.now().toISOString()))
      .catch((error: unknown) =>
        this.#core.log.debug("The health lease could not be given up", { reason: describe(error) }),
      );
  }

  /** One round; nothing while another replica holds the lease. */
  async round(): Promise<void> {
    if (!(await this.#holdsLease())) return;
    this.#probes.lookInto({ relays: await endLostLeases(this.#core) });
    await this.#judgeDue();
    await this.#probeDue();
    for (const chore of this.#chores) await chore();
  }

  async #roundSafely(): Promise<void> {
    try {
      await this.round();
      this.#troubled = false;
    } catch (error) {
      if (!this.#troubled) {
        this.#core.log.warn("Could not watch over health; still trying", { reason: describe(error) });
      }
      this.#troubled = true;
    }
  }

  get #lease() {
    return { name: WATCH_LEASE, holder: this.#holder };
  }

  async #holdsLease(): Promise<boolean> {
    const now = this.#core.now();
    if (now.getTime() < this.#askAt) return this.#isHolder;
    const at = (plusMs: number) => new Date(now.getTime() + plusMs).toISOString();
    const since = await this.#core.store.transaction(async (sql) => {
      const lease = { ...this.#lease, expiresAt: at(LEASE_MS) };
      const held = await takeLease(sql, lease, { now: at(0), gapBefore: at(-GAP_MS) });
      // The platform was away: its relays get the time to report again.
      if (held === at(0)) await extendLeases(sql, at(RELAY_LEASE_MS));
      return held;
    });
    this.#isHolder = since !== undefined;
    this.#askAt = now.getTime() + RENEW_MS;
    return this.#isHolder;
  }

  async #judgeDue(): Promise<void> {
    const { store } = this.#core;
    // A long round, after the platform was away, must not outlive its lease.
    while (await this.#holdsLease()) {
      const now = this.#core.now();
      const due = await listDue(store.read, now.toISOString(), BATCH);
      if (due.length === 0) return;
      const subjects = due.map((row) =>
        row.relay_id === null ? { gatewayId: row.subject_id } : { relayId: row.subject_id },
      );
      await store.transaction((sql) => recordHealth(sql, subjects, now));
      if (due.length < BATCH) return;
    }
  }

  async #probeDue(): Promise<void> {
    const limit = this.#probes.free;
    if (limit === 0) return;
    const now = this.#core.now();
    const again = new Date(now.getTime() + PROBE_AGAIN_MS).toISOString();
    const at = { now: now.toISOString(), again, limit };
    if (!(await hasProbesDue(this.#core.store.read, at.now))) return;
    const taken = await this.#core.store.transaction((sql) => takeProbesDue(sql, at));
    this.#probes.lookInto({
      gateways: taken.flatMap(({ gateway_id: id }) => id ?? []),
      relays: taken.flatMap(({ relay_id: id }) => id ?? []),
    });
  }
}
