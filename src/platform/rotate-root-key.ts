import { existsSync } from "node:fs";
import { link, rename } from "node:fs/promises";
import { SallyportError } from "../telemetry/error.ts";
import { type CoreOptions, openPresentDatabase } from "./open-core.ts";
import { opensWith, rootKeyId, verifyRootKey } from "./services/keys/keyring.ts";
import { reseal } from "./services/keys/reseal.ts";
import {
  givenRootKey,
  makeRootKeyFile,
  missingRootKey,
  nextRootKeyPath,
  readRootKey,
  rootKeyPath,
} from "./services/keys/root-key.ts";
import { listRunning } from "./services/replica.ts";
import type { Store } from "./store/database.ts";
import { findInstance, type InstanceRow, lockInstance } from "./store/instance.ts";
import { migrate } from "./store/migrate.ts";
import { deleteReplicas } from "./store/replicas.ts";

export interface RootKeyRotationOptions extends Pick<CoreOptions, "dataDir" | "databaseUrl" | "env" | "log"> {
  /** Where the new key is, or is to be written; only where the present one is given, too. */
  newKeyFile?: string | undefined;
  now?: Date;
}

export interface RootKeyRotated {
  /** See `rootKeyId`. */
  keyId: string;
  /** Where the new key is. */
  file: string;
  /** Where the old one is kept: backups from before open with it only. Undefined: where it was given from. */
  oldFile: string | undefined;
  /** Values sealed anew; 0 = an interrupted rotation had come so far already. */
  resealed: number;
}

/**
 * Puts another root key in the place of the present one, all in one transaction. The new key is on the disk before
 * anything is sealed under it, so that whenever this is interrupted one of the two files opens the database; the same
 * command again goes on from there.
 * @throws SallyportError CONFLICT while a platform runs, ROOT_KEY_MISMATCH, USAGE, NOT_FOUND, FILE_UNWRITABLE
 */
export async function rotateRootKey(options: RootKeyRotationOptions): Promise<RootKeyRotated> {
  const store = await openPresentDatabase(options);
  try {
    const place = await placeOf(options);
    await migrate(store);
    const instance = await findInstance(store.read);
    if (!instance) throw new SallyportError("NOT_FOUND", "There is no platform in this database.");
    const next = existsSync(place.newFile)
      ? await readRootKey(place.newFile)
      : await makeAfterCheck(place, instance);
    const resealed = opensWith(next, instance) ? 0 : await sealUnder(store, place, next, options.now);
    const oldFile = place.file === undefined ? undefined : await putInPlace(place.file, place.newFile);
    return { keyId: rootKeyId(next), file: place.file ?? place.newFile, oldFile, resealed };
  } finally {
    await store.close();
  }
}

interface Place {
  present: Uint8Array;
  /** Where the platform looks for its key by itself; undefined where it is given. */
  file: string | undefined;
  newFile: string;
}

async function placeOf(options: RootKeyRotationOptions): Promise<Place> {
  const { dataDir, databaseUrl, env, newKeyFile } = options;
  const given = await givenRootKey(env);
  if (given !== undefined) {
    if (newKeyFile !== undefined) return { present: given, file: undefined, newFile: newKeyFile };
    throw new SallyportError(
      "USAGE",
      "The root key is given by SALLYPORT_ROOT_KEY or ..._FILE: name a file for the new one with --new-key-file.",
    );
  }
  if (databaseUrl !== undefined) throw missingRootKey();
  const file = rootKeyPath(dataDir);
  if (newKeyFile !== undefined) {
    throw new SallyportError("USAGE", `The root key is ${file} and stays there: leave --new-key-file out.`);
  }
  return { present: await readRootKey(file), file, newFile: nextRootKeyPath(dataDir) };
}

/** Nothing is left behind by somebody who has another key. */
async function makeAfterCheck({ present, newFile }: Place, instance: InstanceRow): Promise<Uint8Array> {
  verifyRootKey(present, instance);
  return (await makeRootKeyFile(newFile)).key;
}

async function sealUnder(
  store: Store,
  { present }: Place,
  next: Uint8Array,
  now = new Date(),
): Promise<number> {
  return await store.transaction(async (sql) => {
    await lockInstance(sql);
    const [running] = await listRunning(sql, now);
    if (running) {
      throw new SallyportError(
        "CONFLICT",
        `A platform runs on this database (process ${running.process} on ${running.host}): stop it first. If it was killed, wait half a minute.`,
      );
    }
    await deleteReplicas(sql);
    return await reseal(sql, present, next, now);
  });
}

/** The new key takes the place of the old one in one step; the old one gets another name before. */
async function putInPlace(file: string, newFile: string): Promise<string> {
  const oldFile = `${file}.until-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
  await link(file, oldFile);
  await rename(newFile, file);
  return oldFile;
}
