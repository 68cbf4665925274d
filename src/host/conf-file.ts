import { randomBytes } from "node:crypto";
import { stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";
import { makePrivateDirectory, writeFileWhole } from "./atomic-file.ts";
import { readTextFile } from "./bounded-file.ts";
import { parseConf, renderConf } from "./conf-text.ts";
import { confPlaces, type Machine, type Role } from "./paths.ts";

const CONF_LIMIT = 64 * 1024;

export interface Conf {
  path: string;
  values: Map<string, string>;
}

/**
 * The conf of a gateway or relay, from the first place that has one, or undefined.
 * @throws SallyportError NAME_INVALID, FILE_UNREADABLE, CONFIG_INVALID
 */
export async function findConf(role: Role, name: string, machine?: Machine): Promise<Conf | undefined> {
  const { named, single } = confPlaces(role, name, machine);
  for (const path of named) {
    const values = await readConf(path);
    if (values) return { path, values };
  }
  const values = await readConf(single);
  const nameInside = values?.get(`INFISICAL_${role.toUpperCase()}_NAME`);
  return values && nameInside === name ? { path: single, values } : undefined;
}

/**
 * The same for previews: somebody who is not root can't read root's conf and gets none.
 * @throws SallyportError NAME_INVALID, CONFIG_INVALID
 */
export async function findReadableConf(
  role: Role,
  name: string,
  machine?: Machine,
): Promise<Conf | undefined> {
  try {
    return await findConf(role, name, machine);
  } catch (error) {
    if (error instanceof SallyportError && error.code === "FILE_UNREADABLE") return undefined;
    throw error;
  }
}

/** Whether both hold the same values; a conf that is missing is like no other. */
export function isSameConf(
  a: ReadonlyMap<string, string> | undefined,
  b: ReadonlyMap<string, string>,
): boolean {
  return a !== undefined && a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

/**
 * Reads a conf file whole; undefined when there is none.
 * @throws SallyportError FILE_UNREADABLE (also over 64 KiB), CONFIG_INVALID (not what `parseConf` accepts)
 */
export async function readConf(path: string): Promise<Map<string, string> | undefined> {
  const text = await readTextFile(path, CONF_LIMIT);
  return text === undefined ? undefined : inFile(path, () => parseConf(text));
}

/**
 * Writes the values whole or not at all, mode 0600 in a 0700 directory. Comments and order of what is there stay.
 * @throws SallyportError FILE_UNWRITABLE, FILE_UNREADABLE, CONFIG_INVALID (a key or a value that can't be written)
 */
export async function writeConf(path: string, values: ReadonlyMap<string, string>): Promise<void> {
  const previous = (await readTextFile(path, CONF_LIMIT)) ?? "";
  const text = inFile(path, () => renderConf(values, previous));
  if (Buffer.byteLength(text) > CONF_LIMIT) {
    throw new SallyportError("CONFIG_INVALID", `${path} would be larger than 64 KiB: give fewer rules.`);
  }
  await makePrivateDirectory(dirname(path));
  await writeFileWhole(path, text, 0o600);
}

/**
 * Finds out whether `enroll` will be able to keep what it redeems: makes the directory, writes a file of a conf's size
 * there and removes it. A token is spent by redeeming it, so this comes first.
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function requireConfWritable(path: string): Promise<void> {
  const probe = join(dirname(path), `.probe.${randomBytes(6).toString("hex")}`);
  await makePrivateDirectory(dirname(path));
  await writeFileWhole(probe, "#".repeat(4096));
  await unlink(probe);
  const present = await stat(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw new SallyportError("FILE_UNWRITABLE", `Cannot write ${path}: ${describe(error)}.`, {
      cause: error,
    });
  });
  if (present && !present.isFile()) {
    throw new SallyportError("FILE_UNWRITABLE", `Cannot write ${path}: it is no regular file.`);
  }
}

/** Adds the path to a complaint about the text. */
function inFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new SallyportError("CONFIG_INVALID", `${path}: ${describe(error)}`, { cause: error });
  }
}
