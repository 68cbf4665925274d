import { describe } from "../../../telemetry/error.ts";
import {
  changeState,
  listInForce,
  listOrganisationsNotUnder,
  retireGeneration,
} from "../../store/authorities.ts";
import {
  beginRetiring,
  deleteRotation,
  findRotation,
  lastExpiry,
  listRotations,
  type RotationRow,
} from "../../store/authority-rotations.ts";
import type { Core } from "../core.ts";
import { INSTANCE } from "./in-force.ts";
import { BY_ITSELF, peersWithout, record, startRotation, tell } from "./rotation.ts";

const SWEEP_MS = 1000;
/** Organisations that begin to rotate in one round: each costs some milliseconds of making keys. */
const STARTS_AT_ONCE = 10;
/**
 * The phase lasts at least so long, unless its time is shorter: clients may have asked for access just before it and
 * keep what they were given for five minutes (PROTOCOL C.3).
 */
const CLIENTS_MS = 330_000;
/** For certificates that are being issued in this moment, and clocks that differ. */
const MARGIN_MS = 300_000;

/**
 * Takes rotations from phase to phase, on whichever replica is first: what changes is decided by one conditional write.
 */
export function startRotationSweep(core: Core): { close(): void } {
  let busy = false;
  const sweep = async () => {
    if (busy) return;
    busy = true;
    await advanceRotations(core)
      .catch((error: unknown) =>
        core.log.warn("Could not go on with the rotation of authorities; tried again", {
          reason: describe(error),
        }),
      )
      .finally(() => {
        busy = false;
      });
  };
  const timer = setInterval(() => void sweep(), SWEEP_MS);
  return { close: () => clearInterval(timer) };
}

/** One round. */
export async function advanceRotations(core: Core): Promise<void> {
  for (const rotation of await listRotations(core.store.read)) {
    if (rotation.owner_id === INSTANCE) await startOrganisations(core, rotation);
    if (rotation.phase === "distributing") await issueFromNew(core, rotation);
    else await retireOld(core, rotation);
  }
}

/** The relay authorities of organisations are under the instance's (PROTOCOL C): they rotate with them. */
async function startOrganisations(core: Core, instance: RotationRow): Promise<void> {
  const { overlap_seconds: overlapSeconds, retire_seconds: retireAfterSeconds } = instance;
  const place = { ownerId: INSTANCE, generation: instance.new_generation };
  let started = 0;
  for (const orgId of await listOrganisationsNotUnder(core.store.read, place)) {
    if (await findRotation(core.store.read, orgId)) continue;
    if (started++ === STARTS_AT_ONCE) return;
    const times = { overlapSeconds, retireAfterSeconds: retireAfterSeconds ?? undefined };
    await startRotation(core, BY_ITSELF, orgId, times);
  }
}

/** As soon as all who are connected trust the new authorities, or its time is over. */
async function issueFromNew(core: Core, rotation: RotationRow): Promise<void> {
  const { owner_id: ownerId, old_generation: old, new_generation: generation } = rotation;
  const now = core.now();
  const at = now.toISOString();
  const isOverdue = rotation.due_at <= at;
  if (!isOverdue && Date.parse(rotation.phase_since) + CLIENTS_MS > now.getTime()) return;
  if (!isOverdue && (await peersWithout(core.store.read, rotation, now)).length > 0) return;
  if (await isAheadOfInstance(core, rotation)) return;
  const dueAt = await endOfOld(core, rotation, now);
  await core.store.transaction(async (sql) => {
    if (!(await beginRetiring(sql, rotation, dueAt, at))) return;
    await changeState(sql, { ownerId, generation: old, from: "issuing", to: "retiring" });
    await changeState(sql, { ownerId, generation, from: "next", to: "issuing" });
    const detail = { generation, overdue: isOverdue };
    await record(sql, BY_ITSELF, ownerId, { event: "AUTHORITIES_ROTATION_ISSUE", detail }, at);
    await tell(sql, ownerId, rotation.overlap_seconds, at);
  });
}

/** Until the instance issues from the authorities that these are under, its rotation may be aborted. */
async function isAheadOfInstance(core: Core, rotation: RotationRow): Promise<boolean> {
  if (rotation.owner_id === INSTANCE) return false;
  const sets = await listInForce(core.store.read, rotation.owner_id);
  const parent = sets.find(({ generation }) => generation === rotation.new_generation)?.parent;
  const instance = await listInForce(core.store.read, INSTANCE);
  return instance.some(({ generation, state }) => generation === parent && state === "next");
}

async function endOfOld(core: Core, rotation: RotationRow, now: Date): Promise<string> {
  const { owner_id: owner, retire_seconds: seconds } = rotation;
  if (seconds !== null) return new Date(now.getTime() + seconds * 1000).toISOString();
  const last = await lastExpiry(core.store.read, owner === INSTANCE ? null : owner);
  const end = Math.max(now.getTime(), last === undefined ? 0 : Date.parse(last));
  return new Date(end + MARGIN_MS).toISOString();
}

async function retireOld(core: Core, rotation: RotationRow): Promise<void> {
  const { owner_id: ownerId, old_generation: old, new_generation: generation } = rotation;
  const at = core.now().toISOString();
  if (rotation.due_at > at) return;
  const place = { ownerId: INSTANCE, generation };
  if (ownerId === INSTANCE && (await listOrganisationsNotUnder(core.store.read, place)).length > 0) return;
  await core.store.transaction(async (sql) => {
    if (!(await deleteRotation(sql, rotation))) return;
    await retireGeneration(sql, ownerId, old);
    const detail = { generation, retired: old };
    await record(sql, BY_ITSELF, ownerId, { event: "AUTHORITIES_ROTATION_END", detail }, at);
    await tell(sql, ownerId, rotation.overlap_seconds, at);
  });
}
