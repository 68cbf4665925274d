import { hostname } from "node:os";
import { describe } from "../../telemetry/error.ts";
import type { Sql } from "../store/database.ts";
import { findInstance, lockInstance } from "../store/instance.ts";
import {
  deleteReplica,
  deleteReplicasBefore,
  insertReplica,
  listReplicasSince,
  type ReplicaRow,
  touchReplica,
} from "../store/replicas.ts";
import type { Core } from "./core.ts";

const BEAT_MS = 10_000;
/** A platform that was not seen for so long is not running. */
const GONE_MS = 35_000;

/**
 * Lets others see that this platform runs on the database. One that was struck off meanwhile (it slept, and the root key
 * was rotated) seals nothing any more if its key is not the key.
 * @throws SallyportError ROOT_KEY_MISMATCH when the root key was rotated since it was opened
 */
export async function announceReplica(core: Core, beatMs = BEAT_MS): Promise<{ close(): Promise<void> }> {
  const id = crypto.randomUUID();
  const enter = async () => {
    const now = core.now();
    const at = now.toISOString();
    const row = { id, host: hostname(), process: process.pid, started_at: at, seen_at: at };
    await core.store.transaction(async (sql) => {
      await deleteReplicasBefore(sql, new Date(now.getTime() - GONE_MS).toISOString());
      await insertReplica(sql, row);
      // A rotation does the same: whoever comes second sees what the first has done.
      await lockInstance(sql);
      const instance = await findInstance(sql);
      if (instance) core.keyring.verify(instance);
    });
  };
  const beat = async () => {
    const at = core.now().toISOString();
    if (await core.store.transaction((sql) => touchReplica(sql, id, at))) return;
    const instance = await findInstance(core.store.read);
    if (instance && core.keyring.opens(instance)) return await enter();
    core.keyring.retire();
    core.log.error("The root key was rotated: start this platform again with the new one");
  };
  await enter();
  const timer = setInterval(() => {
    void beat().catch((error: unknown) =>
      core.log.warn("Could not tell the database that this platform runs", { reason: describe(error) }),
    );
  }, beatMs);
  let closing: Promise<void> | undefined;
  const leave = async () => {
    clearInterval(timer);
    try {
      await core.store.transaction((sql) => deleteReplica(sql, id));
    } catch (error) {
      core.log.warn("Could not tell the database that this platform stops", { reason: describe(error) });
    }
  };
  return {
    close: () => {
      closing ??= leave();
      return closing;
    },
  };
}

/** Platforms that run on this database now. */
export async function listRunning(sql: Sql, now: Date): Promise<ReplicaRow[]> {
  return await listReplicasSince(sql, new Date(now.getTime() - GONE_MS).toISOString());
}
