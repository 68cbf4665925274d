import { join, resolve } from "node:path";
import { writeFileWhole } from "../../host/atomic-file.ts";
import { SallyportError } from "../../telemetry/error.ts";
import {
  CLIENT_FILES,
  GATEWAY_FILES,
  IDENTITY_FILE,
  type Identity,
  RELAY_FILES,
  REVOKED_FILE,
  readIdentity,
} from "../identity.ts";
import { claimDirectory, remove } from "./claim-directory.ts";

/** By file name; undefined is left as it is: a private key that its holder keeps. */
export type IdentityFiles = Record<string, string | undefined>;

const NAMES: Record<Identity["role"], Set<unknown>> = {
  relay: new Set(Object.values(RELAY_FILES)),
  gateway: new Set(Object.values(GATEWAY_FILES)),
  client: new Set(Object.values(CLIENT_FILES)),
};

/**
 * Makes sure that a directory can take this identity: new, empty, or the same holder's, whose request may lie there.
 * @throws SallyportError ALREADY_EXISTS, FILE_UNWRITABLE, CONFIG_INVALID
 */
export async function claimIdentityDirectory(path: string, identity: Identity): Promise<void> {
  const names = NAMES[identity.role];
  await claimDirectory(
    resolve(path),
    (name) => names.has(name) || name === IDENTITY_FILE || name === REVOKED_FILE || /\.(csr|pub)$/.test(name),
  );
  const present = await readIdentity(path);
  if (!present || holderOf(present) === holderOf(identity)) return;
  throw new SallyportError(
    "ALREADY_EXISTS",
    `${path} belongs to the ${holderOf(present)}: choose another directory`,
  );
}

/**
 * Writes a claimed directory. Its identity goes first and comes back last, so that a run killed between two files
 * leaves a directory that nobody takes for a complete one (ACCEPTANCE F16).
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function writeIdentityDirectory(
  path: string,
  identity: Identity,
  files: IdentityFiles,
): Promise<void> {
  await remove(join(path, IDENTITY_FILE));
  for (const [name, content] of Object.entries(files)) {
    if (content !== undefined) await writeFileWhole(join(path, name), withNewline(content));
  }
  await writeFileWhole(join(path, IDENTITY_FILE), `${JSON.stringify(identity, null, 2)}\n`);
}

/** Renewals go where the holder already is: the same relay or gateway by name, the same way of a client. */
function holderOf(identity: Identity): string {
  if (identity.role === "relay") return `relay ${identity.relayName}`;
  if (identity.role === "gateway") return `gateway ${identity.gatewayName}`;
  return `client of gateway ${identity.gatewayName} for ${identity.target.host} port ${identity.target.port}`;
}

function withNewline(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
