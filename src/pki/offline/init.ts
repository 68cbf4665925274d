import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { SallyportError } from "../../telemetry/error.ts";
import { createInstanceAuthorities, createOrganisationAuthorities } from "../hierarchy.ts";
import { REVOKED_FILE } from "../identity.ts";
import type { X509KeyAlgorithm } from "../keys.ts";
import { AUTHORITY_FILE, type OfflineAuthority, saveAuthority } from "./authority-file.ts";
import { claimDirectory } from "./claim-directory.ts";
import { sshKeyType } from "./holder-keys.ts";
import { LEDGER_FILE } from "./ledger.ts";
import { LOCK_FILE, withLock } from "./lock.ts";
import { type KeyPlace, makeSealingKey } from "./sealing-key.ts";

const FILES: readonly string[] = [AUTHORITY_FILE, LEDGER_FILE, REVOKED_FILE, LOCK_FILE];
/** Control and format characters would garble every listing that shows the name. */
const ORGANISATION = /^(?=.*\S)[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,64}$/u;

export interface InitOrder {
  orgName: string;
  keyType: X509KeyAlgorithm;
  now?: Date;
}

export interface Initialised {
  ca: OfflineAuthority;
  /** Where the sealing key is; null when it came from the environment. */
  keyFile: string | null;
}

/**
 * Makes a CA in a new or empty directory and never overwrites one. Killed on the way it leaves no CA, and can be run
 * again.
 * @throws SallyportError ALREADY_EXISTS, USAGE, FILE_UNWRITABLE, FILE_UNREADABLE, CONFIG_INVALID
 */
export async function initAuthority(place: KeyPlace, order: InitOrder): Promise<Initialised> {
  const directory = resolve(place.directory);
  if (!ORGANISATION.test(order.orgName)) {
    throw new SallyportError("USAGE", "--org must be a name of 1 to 64 visible characters");
  }
  await refuseExisting(directory);
  await claimDirectory(directory, (name) => FILES.includes(name));
  return await withLock(directory, async () => {
    await refuseExisting(directory);
    const { key, file } = await makeSealingKey({ ...place, directory });
    const ca = await createAuthority(order);
    await saveAuthority(directory, key, ca);
    return { ca, keyFile: file };
  });
}

async function createAuthority(order: InitOrder): Promise<OfflineAuthority> {
  const { keyType, orgName, now = new Date() } = order;
  const orgId = randomUUID();
  const keys = { x509: keyType, ssh: sshKeyType(keyType), now };
  const instance = await createInstanceAuthorities(keys);
  const organisation = await createOrganisationAuthorities(instance, { ...keys, orgId });
  return { orgId, orgName, keyType, createdAt: now.toISOString(), instance, organisation, retired: [] };
}

async function refuseExisting(directory: string): Promise<void> {
  if (!(await Bun.file(join(directory, AUTHORITY_FILE)).exists())) return;
  throw new SallyportError(
    "ALREADY_EXISTS",
    `${directory} already holds a CA: look at it with "sallyport ca show --dir ${directory}", or choose another directory`,
  );
}
