import type { AgentReport } from "../../../platform-client/agent-report.ts";
import { atOnce } from "../../store/at-once.ts";
import type { Sql, Store } from "../../store/database.ts";
import { storeCapabilities, storeGatewayHealth } from "../../store/gateways.ts";
import {
  ensureHealth,
  type HealthRow,
  listHealthOf,
  NAMELESS,
  type Subject,
  storeAgentReports,
  storeOutcome,
  storeProbeDue,
  storeProbesDueBy,
} from "../../store/health.ts";
import { storeRelayHeartbeat } from "../../store/relays.ts";
import { recordHealth } from "./record.ts";

/** What was seen on one way: a relay's id, or a relay's port. */
export interface SeenWay {
  way: string;
  /** null = reached. */
  code: string | null;
  text: string | null;
}

export type HealthWrite =
  | {
      kind: "probe";
      subject: { gatewayId: string };
      reachedAt: string | null;
      ttlSeconds: number;
      ways: SeenWay[];
    }
  | { kind: "probe"; subject: { relayId: string }; reachedAt: string | null; ways: SeenWay[] }
  /**
   * `report` undefined = a heartbeat of a daemon that says nothing of itself; `isProbeDue` = nobody looks at it now: its
   * turn comes by the schedule.
   */
  | {
      kind: "heartbeat";
      subject: Subject;
      report: AgentReport | undefined;
      capabilities?: string;
      isProbeDue?: boolean;
    };

const INTERVAL_MS = 1000;
/** At most so many in one transaction: others want to write too. */
const BATCH = 200;
/** A gateway that calls as it promised is never probed without its asking. */
const AFTER_TTL_MS = 10_000;
const RELAY_AGAIN_MS = 300_000;
/** What was not reached is looked for again, less and less often. */
const RETRY_MS = { first: 15_000, last: 180_000 };

/** What is stored in one transaction, and whoever waits for that. */
interface Batch {
  writes: HealthWrite[];
  /** There is no room for more. */
  full: PromiseWithResolvers<void>;
  stored: Promise<void>;
}

/**
 * Stores what probes and heartbeats bring, one transaction after the other and at most one a second: the first at once,
 * those that follow together. A full one does not wait, or in a storm callers would fill the platform with their waiting.
 * Requests and probes are limited in number, so at most that many wait here.
 */
export class HealthWrites {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #intervalMs: number;
  /** Takes more. */
  #open: Batch | undefined;
  /** Settles when the last batch is stored, well or not. */
  #before: Promise<unknown> = Promise.resolve();
  #lastBegun = 0;

  constructor(store: Store, now: () => Date, intervalMs = INTERVAL_MS) {
    this.#store = store;
    this.#now = now;
    this.#intervalMs = intervalMs;
  }

  /** Resolves when it and all that came with it is stored. */
  async add(write: HealthWrite): Promise<void> {
    const batch = this.#open ?? this.#begin();
    batch.writes.push(write);
    if (batch.writes.length === BATCH) {
      this.#open = undefined;
      batch.full.resolve();
    }
    await batch.stored;
  }

  #begin(): Batch {
    const writes: HealthWrite[] = [];
    const full = Promise.withResolvers<void>();
    const stored = this.#storeInTurn(writes, full.promise, this.#before);
    const batch = { writes, full, stored };
    this.#before = Promise.allSettled([stored]);
    this.#open = batch;
    return batch;
  }

  async #storeInTurn(writes: HealthWrite[], full: Promise<void>, before: Promise<unknown>): Promise<void> {
    await before;
    const waitMs = this.#lastBegun + this.#intervalMs - Date.now();
    await this.#whenDue(Math.max(0, Math.min(waitMs, this.#intervalMs)), full);
    if (this.#open?.writes === writes) this.#open = undefined;
    this.#lastBegun = Date.now();
    await this.#store.transaction((sql) => applyAll(sql, writes, this.#now()));
  }

  async #whenDue(waitMs: number, full: Promise<void>): Promise<void> {
    const due = Promise.withResolvers<void>();
    const timer = setTimeout(due.resolve, waitMs);
    await Promise.race([due.promise, full]);
    clearTimeout(timer);
  }
}

type Heartbeat = HealthWrite & { kind: "heartbeat" };
type Probe = HealthWrite & { kind: "probe" };

/** Heartbeats take the same few statements, however many there are. What is gone meanwhile is left out. */
async function applyAll(sql: Sql, writes: HealthWrite[], now: Date): Promise<void> {
  const at = now.toISOString();
  const known = new Map<string, HealthRow | undefined>();
  const ids = [...new Set(writes.map(({ subject }) => idOf(subject)))];
  for (const row of await listHealthOf(sql, ids)) known.set(row.subject_id, row);
  for (const { subject } of writes) {
    const id = idOf(subject);
    if (!known.has(id) && (await ensureHealth(sql, subject, at))) known.set(id, undefined);
  }
  const kept = writes.filter(({ subject }) => known.has(idOf(subject)));
  const heartbeats = kept.filter((write): write is Heartbeat => write.kind === "heartbeat");
  await applyHeartbeats(sql, heartbeats, now);
  const probes = kept.filter((write): write is Probe => write.kind === "probe");
  await atOnce(
    probes.map((write) => applyProbe(sql, write, { now, before: known.get(idOf(write.subject)) })),
  );
  const subjects = kept.map(({ subject }) => subject);
  await recordHealth(sql, subjects, now);
}

async function applyHeartbeats(sql: Sql, writes: Heartbeat[], now: Date): Promise<void> {
  const at = now.toISOString();
  for (const [capabilities, who] of Map.groupBy(writes, (write) => write.capabilities)) {
    const ids = who.map(({ subject }) => idOf(subject));
    if (capabilities !== undefined) await storeCapabilities(sql, ids, capabilities);
  }
  const rows = writes.map(({ subject, report }) => ({ subject_id: idOf(subject), ...rowOf(report, now) }));
  // The last word of each process.
  const reports = new Map(rows.map((row) => [`${row.subject_id} ${row.instance}`, row]));
  await storeAgentReports(sql, [...reports.values()], at);
  const due = writes.filter(({ isProbeDue }) => isProbeDue).map(({ subject }) => idOf(subject));
  await storeProbesDueBy(sql, due, at);
}

async function applyProbe(
  sql: Sql,
  write: Probe,
  { now, before }: { now: Date; before: HealthRow | undefined },
): Promise<void> {
  const at = now.toISOString();
  const id = idOf(write.subject);
  for (const way of write.ways) await storeOutcome(sql, id, way, at);
  const reached = write.reachedAt !== null;
  if ("ttlSeconds" in write) {
    await storeGatewayHealth(sql, { id, heartbeat: write.reachedAt, ttlSeconds: write.ttlSeconds });
  } else if (write.reachedAt !== null) {
    await storeRelayHeartbeat(sql, id, write.reachedAt);
  }
  const failures = reached ? 0 : (before?.probe_failures ?? 0) + 1;
  const pause = reached ? pauseAfter(write) : Math.min(RETRY_MS.first * 2 ** (failures - 1), RETRY_MS.last);
  await storeProbeDue(sql, id, { probeAt: new Date(now.getTime() + pause).toISOString(), failures });
}

function idOf(subject: Subject): string {
  return "gatewayId" in subject ? subject.gatewayId : subject.relayId;
}

function pauseAfter(write: Probe): number {
  return "ttlSeconds" in write ? write.ttlSeconds * 1000 + AFTER_TTL_MS : RELAY_AGAIN_MS;
}

function rowOf(report: AgentReport | undefined, now: Date) {
  if (!report) return { instance: NAMELESS, version: null, skew_ms: null, conditions: "[]" };
  const { instance, version, time, conditions } = report;
  // A clock that is off by years is off by days, too: the column has 32 bits.
  const skew = Math.max(-MOST_SKEW_MS, Math.min(Date.parse(time) - now.getTime(), MOST_SKEW_MS));
  return { instance, version, skew_ms: Math.round(skew), conditions: JSON.stringify(conditions) };
}

const MOST_SKEW_MS = 2 ** 31 - 1;
