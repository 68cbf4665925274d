import type { PlatformEvent } from "../../../platform-client/events.ts";
import { SallyportError } from "../../../telemetry/error.ts";
import { type AuditEntry, type AuditEvent, insertAudit } from "../../store/audit.ts";
import { changeState, insertGeneration, lastGeneration, retireGeneration } from "../../store/authorities.ts";
import {
  deleteRotation,
  findRotation,
  insertRotation,
  listRotationsUnder,
  listWaiting,
  type RotationPhase,
  type RotationRow,
  type WaitingPeer,
} from "../../store/authority-rotations.ts";
import type { Sql } from "../../store/database.ts";
import type { Core } from "../core.ts";
import { emit } from "../events/events.ts";
import { INSTANCE } from "./in-force.ts";

/** Who does it, as the audit log has it. */
export type Author = Pick<AuditEntry, "actor" | "address">;

/** The platform itself, in the course of a rotation. */
export const BY_ITSELF: Author = { actor: { type: "instance", id: null, name: null }, address: null };

export interface RotationTimes {
  /** How long those who can't be seen to have the new certificates get, before the new authorities issue. */
  overlapSeconds?: number | undefined;
  /** How long the old ones are trusted after that; undefined = as long as their last certificate runs. */
  retireAfterSeconds?: number | undefined;
}

export interface RotationView {
  phase: RotationPhase;
  startedAt: string;
  since: string;
  /** When the next phase begins at the latest. */
  nextPhaseAt: string;
  /** Connected, and without the new authorities yet. */
  waitingFor: WaitingPeer[];
}

export interface AuthoritiesView {
  /** Counts from 1. */
  generation: number;
  rotation: RotationView | null;
}

/**
 * Infisical's relays and gateways ask for certificates every 6 h (PROTOCOL 0.1, 0.2), and one that was away for a night
 * is back in the morning.
 */
const OVERLAP_SECONDS = 24 * 60 * 60;
/** Everybody's renewals spread over no more than this; as much as heartbeats do (ACCEPTANCE F15). */
const SPREAD_SECONDS = 180;
/** PROTOCOL E: an instance's or organisation's relay is heard of every hour, a gateway every 3 min. */
const RELAY_HEARD_MS = 70 * 60 * 1000;
const GATEWAY_HEARD_MS = 10 * 60 * 1000;

/** @param owner an organisation's id, or INSTANCE. @throws SallyportError NOT_FOUND */
export async function showAuthorities(core: Core, owner: string): Promise<AuthoritiesView> {
  const { generation } = await inForce(core, owner);
  const rotation = await findRotation(core.store.read, owner);
  if (!rotation) return { generation, rotation: null };
  const waitingFor =
    rotation.phase === "distributing" ? await peersWithout(core.store.read, rotation, core.now()) : [];
  return {
    generation,
    rotation: {
      phase: rotation.phase,
      startedAt: rotation.started_at,
      since: rotation.phase_since,
      nextPhaseAt: rotation.due_at,
      waitingFor,
    },
  };
}

/**
 * Makes new authorities that everybody gets to trust beside the present ones. What follows comes by itself (see
 * `rotation-sweep.ts`). An organisation's are made under the newest of the instance's.
 * @throws SallyportError CONFLICT while a rotation runs, NOT_FOUND
 */
export async function startRotation(
  core: Core,
  author: Author,
  owner: string,
  times: RotationTimes = {},
): Promise<void> {
  const { overlapSeconds = OVERLAP_SECONDS, retireAfterSeconds } = times;
  if (await findRotation(core.store.read, owner)) throw underWay();
  const present = await inForce(core, owner);
  const generation = (await lastGeneration(core.store.read, owner)) + 1;
  const set = { ...(await newSet(core, owner, generation)), state: "next" as const };
  await core.store.transaction(async (sql) => {
    const now = core.now();
    const at = now.toISOString();
    const started = await insertRotation(sql, {
      owner_id: owner,
      phase: "distributing",
      old_generation: present.generation,
      new_generation: generation,
      started_at: at,
      phase_since: at,
      due_at: new Date(now.getTime() + overlapSeconds * 1000).toISOString(),
      overlap_seconds: overlapSeconds,
      retire_seconds: retireAfterSeconds ?? null,
    });
    // Still: they may have been replaced at once meanwhile.
    const old = { ownerId: owner, generation: present.generation, from: "issuing", to: "issuing" } as const;
    if (!started || !(await changeState(sql, old)) || !(await insertGeneration(sql, set, at))) {
      throw underWay();
    }
    const detail = { generation, overlapSeconds };
    await record(sql, author, owner, { event: "AUTHORITIES_ROTATION_START", detail }, at);
    await tell(sql, owner, overlapSeconds, at);
  });
}

/**
 * Takes the new authorities back, as long as they issue nothing; of the instance's also those of organisations that
 * were made under them.
 * @throws SallyportError NOT_FOUND when nothing rotates, CONFLICT when it is too late
 */
export async function abortRotation(core: Core, author: Author, owner: string): Promise<void> {
  const rotation = await findRotation(core.store.read, owner);
  if (!rotation) throw new SallyportError("NOT_FOUND", "No rotation is under way.");
  const dependent =
    owner === INSTANCE ? await listRotationsUnder(core.store.read, rotation.new_generation) : [];
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    for (const row of [...dependent, rotation]) {
      if (!(await deleteRotation(sql, { ...row, phase: "distributing" }))) throw tooLate();
      await retireGeneration(sql, row.owner_id, row.new_generation);
      const detail = { generation: row.new_generation };
      await record(sql, author, row.owner_id, { event: "AUTHORITIES_ROTATION_ABORT", detail }, now);
      await tell(sql, row.owner_id, row.overlap_seconds, now);
    }
  });
}

/** Connected peers that have not been given the new authorities. */
export async function peersWithout(sql: Sql, rotation: RotationRow, now: Date): Promise<WaitingPeer[]> {
  return await listWaiting(sql, {
    orgId: rotation.owner_id === INSTANCE ? null : rotation.owner_id,
    generation: rotation.new_generation,
    now: now.toISOString(),
    relaysSince: new Date(now.getTime() - RELAY_HEARD_MS).toISOString(),
    gatewaysSince: new Date(now.getTime() - GATEWAY_HEARD_MS).toISOString(),
  });
}

export async function record(
  sql: Sql,
  author: Author,
  owner: string,
  what: { event: AuditEvent; detail: AuditEntry["detail"] },
  now: string,
): Promise<void> {
  const { actor, address } = author;
  await insertAudit(sql, { orgId: owner === INSTANCE ? null : owner, actor, address, ...what }, now);
}

/** Last in a transaction. @param overlapSeconds a phase should not be over before everybody has asked */
export async function tell(sql: Sql, owner: string, overlapSeconds: number, now: string): Promise<void> {
  const withinSeconds = Math.min(SPREAD_SECONDS, Math.floor(overlapSeconds / 4));
  await tellChanged(sql, owner, { type: "authorities.changed", withinSeconds }, now);
}

export async function tellChanged(
  sql: Sql,
  owner: string,
  event: Extract<PlatformEvent, { type: "authorities.changed" }>,
  now: string,
): Promise<void> {
  await emit(sql, { orgId: owner === INSTANCE ? null : owner }, [event], now);
}

function inForce(core: Core, owner: string): Promise<{ generation: number; newest: number }> {
  return owner === INSTANCE
    ? core.authorities.instanceInForce()
    : core.authorities.organisationInForce(owner);
}

async function newSet(core: Core, owner: string, generation: number) {
  if (owner === INSTANCE) return (await core.authorities.makeInstance(generation)).set;
  const { newest, newestSet } = await core.authorities.instanceInForce();
  const parent = { set: newestSet, generation: newest };
  return (await core.authorities.makeOrganisation(owner, generation, parent)).set;
}

function underWay(): SallyportError {
  return new SallyportError("CONFLICT", "These authorities rotate already: see how far it is, or abort it.");
}

function tooLate(): SallyportError {
  return new SallyportError(
    "CONFLICT",
    "The new authorities issue certificates already: it is too late to abort the rotation.",
  );
}
