import { randomBytes } from "node:crypto";
import { link, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { writeFileWhole } from "../../../host/atomic-file.ts";
import { type Environment, readSecretFile, secret } from "../../../host/environment.ts";
import { SEALING_KEY_BYTES } from "../../../pki/sealing.ts";
import { SallyportError, systemCode } from "../../../telemetry/error.ts";

/**
 * The key that everything secret in the database is sealed under, from SALLYPORT_ROOT_KEY or SALLYPORT_ROOT_KEY_FILE.
 * @throws SallyportError CONFIG_INVALID, FILE_UNREADABLE
 */
export async function givenRootKey(env: Environment): Promise<Uint8Array | undefined> {
  const given = await secret(env, "ROOT_KEY");
  return given === undefined ? undefined : parseRootKey(given);
}

/** PostgreSQL serves several replicas, so a key that one machine keeps for itself is of no use. */
export function missingRootKey(): SallyportError {
  return new SallyportError(
    "CONFIG_INVALID",
    'With PostgreSQL the root key has to be given: set SALLYPORT_ROOT_KEY_FILE, made by "openssl rand -base64 32", alike on every replica.',
  );
}

/**
 * With SQLite the key may also be a file beside the data directory, made at the first start: never inside, so that a
 * copy of the data directory does not open itself. `inUse`: the database holds something sealed already, so a new key
 * would be of no use. `dataDir` exists, and so does its parent.
 * @throws SallyportError ROOT_KEY_MISMATCH, CONFIG_INVALID, FILE_UNREADABLE, FILE_UNWRITABLE
 */
export async function localRootKey(options: {
  dataDir: string;
  inUse: boolean;
}): Promise<{ key: Uint8Array; made?: string }> {
  const path = rootKeyPath(options.dataDir);
  if (await Bun.file(path).exists()) return { key: await readRootKey(path) };
  if (options.inUse) {
    throw new SallyportError(
      "ROOT_KEY_MISMATCH",
      `The root key ${path} is missing: put it back from its copy, or give it as SALLYPORT_ROOT_KEY_FILE.`,
    );
  }
  return await makeRootKeyFile(path);
}

/** @throws SallyportError CONFIG_INVALID, FILE_UNREADABLE */
export async function readRootKey(path: string): Promise<Uint8Array> {
  return parseRootKey(await readSecretFile(path));
}

/** `<data directory>.root-key`. */
export function rootKeyPath(dataDir: string): string {
  return `${resolve(dataDir)}.root-key`;
}

/** Where the next one waits while it is rotated. */
export function nextRootKeyPath(dataDir: string): string {
  return `${rootKeyPath(dataDir)}.new`;
}

/** 32 bytes as base64 (either alphabet) or hex. @throws SallyportError CONFIG_INVALID */
export function parseRootKey(text: string): Uint8Array {
  const key = /^[0-9a-fA-F]{64}$/.test(text)
    ? Buffer.from(text, "hex")
    : Buffer.from(/^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? text : "", "base64");
  if (key.length === SEALING_KEY_BYTES) return key;
  throw new SallyportError(
    "CONFIG_INVALID",
    'The root key has to be 32 random bytes in base64 or hex: make one with "openssl rand -base64 32".',
  );
}

/**
 * Written aside (0600), then linked: of two processes that do it at once one makes the key and both use it.
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function makeRootKeyFile(path: string): Promise<{ key: Uint8Array; made?: string }> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  const text = randomBytes(SEALING_KEY_BYTES).toString("base64");
  await writeFileWhole(temporary, `${text}\n`);
  try {
    await link(temporary, path);
    return { key: parseRootKey(text), made: path };
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    return { key: await readRootKey(path) };
  } finally {
    await unlink(temporary);
  }
}
