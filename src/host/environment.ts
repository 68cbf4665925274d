import { join } from "node:path";
import { SallyportError } from "../telemetry/error.ts";
import { readTextFile } from "./bounded-file.ts";

/** `process.env`, or a stand-in. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Tokens and secrets are far shorter; a larger file is a mistake. */
const SECRET_LIMIT = 16 * 1024;

/** `SALLYPORT_<name>`, then `INFISICAL_<name>`. Empty counts as not set. */
export function setting(env: Environment, name: string): string | undefined {
  return env[`SALLYPORT_${name}`] || env[`INFISICAL_${name}`] || undefined;
}

/**
 * A setting that is secret: `$CREDENTIALS_DIRECTORY/<variable>` (systemd's LoadCredential), the variable itself, or the
 * file that `<variable>_FILE` names; Sallyport's spelling before Infisical's each time.
 * @throws SallyportError FILE_UNREADABLE when a file that is named can't be used
 */
export async function secret(env: Environment, name: string): Promise<string | undefined> {
  return (
    (await credential(env, name)) ??
    setting(env, name) ??
    (await secretFromFile(setting(env, `${name}_FILE`)))
  );
}

/**
 * The secret in a file, `-` for stdin, without the white space around it. At most 16 KiB.
 * @throws SallyportError FILE_UNREADABLE
 */
export async function readSecretFile(path: string): Promise<string> {
  const shown = path === "-" ? "stdin" : path;
  const text = (path === "-" ? await readStdin() : await readTextFile(path, SECRET_LIMIT))?.trim();
  if (text) return text;
  const what = text === undefined ? "There is no file" : "There is nothing in";
  throw new SallyportError("FILE_UNREADABLE", `${what} ${shown}: it has to hold the secret alone.`);
}

async function credential(env: Environment, name: string): Promise<string | undefined> {
  const directory = env.CREDENTIALS_DIRECTORY;
  if (!directory) return undefined;
  for (const variable of [`SALLYPORT_${name}`, `INFISICAL_${name}`]) {
    const path = join(directory, variable);
    if (await Bun.file(path).exists()) return readSecretFile(path);
  }
  return undefined;
}

async function secretFromFile(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readSecretFile(path);
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    length += bytes.length;
    if (length > SECRET_LIMIT) {
      throw new SallyportError(
        "FILE_UNREADABLE",
        "There is too much in stdin: it has to hold the secret alone.",
      );
    }
  }
  return Buffer.concat(chunks).toString("utf8");
}
