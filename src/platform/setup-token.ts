import { unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { writeFileWhole } from "../host/atomic-file.ts";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";
import type { Core } from "./services/core.ts";
import { mintOpaqueToken } from "./services/login/opaque-tokens.ts";
import { storeSetupTokenHash } from "./store/instance.ts";
import { countUsers } from "./store/people.ts";

function setupTokenPath(dataDir: string): string {
  return join(resolve(dataDir), "setup-token");
}

/**
 * While there is no administrator: a new token for `POST /api/v1/bootstrap` in a 0600 file, whose path alone is
 * logged. The one of an earlier start is worthless. False when there is an administrator.
 */
export async function offerSetupToken(core: Core, dataDir: string): Promise<boolean> {
  if ((await countUsers(core.store.read)) > 0) return false;
  const token = mintOpaqueToken("setup_");
  const path = setupTokenPath(dataDir);
  await core.store.transaction((sql) => storeSetupTokenHash(sql, token.hash));
  await writeFileWhole(path, `${token.plain}\n`);
  core.log.info(
    'There is no administrator yet: run "sallyport platform bootstrap", or use the token in this file over HTTP',
    { file: path },
  );
  return true;
}

/** The token is spent. */
export async function removeSetupToken(dataDir: string): Promise<void> {
  const path = setupTokenPath(dataDir);
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw new SallyportError("FILE_UNWRITABLE", `Cannot delete ${path}: ${describe(error)}.`, {
      cause: error,
    });
  }
}
