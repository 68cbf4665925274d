import { randomBytes } from "node:crypto";
import { writeFileWhole } from "../../host/atomic-file.ts";
import { readTextFile } from "../../host/bounded-file.ts";
import { type Environment, secret } from "../../host/environment.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { SEALING_KEY_BYTES } from "../sealing.ts";

export interface SealingKey {
  key: Uint8Array;
  /** The file it is in; null when it came from the environment. */
  file: string | null;
}

export interface KeyPlace {
  /** The CA's directory. */
  directory: string;
  /** `--key-file`. */
  keyFile?: string | undefined;
  env: Environment;
}

/** Where the key is unless told: beside the directory, so that a copy of the directory alone opens nothing. */
function keyFileOf(place: Pick<KeyPlace, "directory" | "keyFile">): string {
  return place.keyFile ?? `${place.directory.replace(/\/+$/, "")}.key`;
}

/**
 * The key that seals the private keys of a CA: `--key-file`, else `SALLYPORT_CA_KEY` (or `..._FILE`, or systemd's
 * credential of that name), else the file beside the directory. 32 bytes in base64.
 * @throws SallyportError NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID
 */
export async function readSealingKey(place: KeyPlace): Promise<Uint8Array> {
  const found = await findSealingKey(place);
  if (found) return found.key;
  throw new SallyportError(
    "NOT_FOUND",
    `The CA's key ${keyFileOf(place)} is missing: give it with --key-file or SALLYPORT_CA_KEY`,
  );
}

/**
 * The key for a new CA: the one that is there already, or a new one in a file of mode 0600.
 * @throws SallyportError FILE_UNREADABLE, FILE_UNWRITABLE, CONFIG_INVALID
 */
export async function makeSealingKey(place: KeyPlace): Promise<SealingKey> {
  const known = await findSealingKey(place);
  if (known) return known;
  const key = randomBytes(SEALING_KEY_BYTES);
  const file = keyFileOf(place);
  await writeFileWhole(file, `${key.toString("base64")}\n`);
  return { key, file };
}

async function findSealingKey(place: KeyPlace): Promise<SealingKey | undefined> {
  const given = place.keyFile === undefined ? await secret(place.env, "CA_KEY") : undefined;
  if (given !== undefined) return { key: decode(given), file: null };
  const file = keyFileOf(place);
  const text = await readTextFile(file, 4096);
  return text === undefined ? undefined : { key: decode(text.trim()), file };
}

function decode(text: string): Uint8Array {
  const key = Buffer.from(text, "base64");
  if (key.length === SEALING_KEY_BYTES && key.toString("base64") === text) return key;
  throw new SallyportError(
    "CONFIG_INVALID",
    "The CA's key must be 32 bytes in base64: give the file that `ca init` made",
  );
}
