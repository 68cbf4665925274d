import { readFile, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { makePrivateDirectory, writeFileWhole } from "../host/atomic-file.ts";
import type { Environment } from "../host/environment.ts";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";
import { parseJson } from "./json.ts";

/** Who the person on this machine is logged in as. */
export interface Profile {
  /** `scheme://host[:port][/path]`. */
  domain: string;
  /** An API token; worthless after `logout` or at its expiry. */
  token: string;
}

const stored = z.object({ domain: z.string().min(1).max(2048), token: z.string().min(1).max(4096) });

/** `$XDG_CONFIG_HOME/sallyport/profile.json`, by default in `~/.config`. */
export function profilePath(env: Environment = process.env): string {
  const xdg = env.XDG_CONFIG_HOME;
  const base = xdg && isAbsolute(xdg) ? xdg : join(env.HOME || homedir(), ".config");
  return join(base, "sallyport", "profile.json");
}

/** @throws SallyportError CONFIG_INVALID, FILE_UNREADABLE. Undefined when nobody is logged in. */
export async function readProfile(path = profilePath()): Promise<Profile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    const reason = systemCode(error) ?? describe(error);
    throw new SallyportError("FILE_UNREADABLE", `Cannot read the login profile ${path}: ${reason}.`, {
      cause: error,
    });
  }
  const parsed = stored.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new SallyportError(
    "CONFIG_INVALID",
    `The login profile ${path} is damaged: run "sallyport login" again.`,
  );
}

/** Mode 0600, written whole. @throws SallyportError FILE_UNWRITABLE */
export async function writeProfile(profile: Profile, path = profilePath()): Promise<void> {
  await makePrivateDirectory(dirname(path));
  await writeFileWhole(path, `${JSON.stringify(profile, null, 2)}\n`);
}

/** False when there was none. */
export async function deleteProfile(path = profilePath()): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw new SallyportError("FILE_UNWRITABLE", `Cannot delete ${path}: ${describe(error)}.`, {
      cause: error,
    });
  }
}
