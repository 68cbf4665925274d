import { resolve } from "node:path";
import { type OfflineAuthority, openAuthority, requireAuthority } from "./authority-file.ts";
import { type Ledger, readLedger } from "./ledger.ts";
import { withLock } from "./lock.ts";
import { type KeyPlace, readSealingKey } from "./sealing-key.ts";

/** An opened CA and everything that its commands work with. */
export interface Desk {
  directory: string;
  key: Uint8Array;
  ca: OfflineAuthority;
  ledger: Ledger;
  now: Date;
}

/**
 * Opens the CA in a directory for one command, alone.
 * @throws SallyportError NOT_FOUND, CONFIG_INVALID, ROOT_KEY_MISMATCH, FILE_UNREADABLE, FILE_UNWRITABLE
 */
export async function atDesk<T>(
  place: KeyPlace,
  work: (desk: Desk) => Promise<T>,
  now = new Date(),
): Promise<T> {
  const directory = resolve(place.directory);
  await requireAuthority(directory);
  const key = await readSealingKey({ ...place, directory });
  return await withLock(directory, async () => {
    const ca = await openAuthority(directory, key);
    return await work({ directory, key, ca, ledger: await readLedger(directory), now });
  });
}
