import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";

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
  const bytes = path === "-" ? await readStdin() : await readBounded(path, shown);
  const text = bytes.toString("utf8").trim();
  if (bytes.length > SECRET_LIMIT || text === "") {
    throw new SallyportError(
      "FILE_UNREADABLE",
      `There is ${text === "" ? "nothing" : "too much"} in ${shown}: it has to hold the secret alone.`,
    );
  }
  return text;
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

async function readBounded(path: string, shown: string): Promise<Buffer> {
  try {
    const file = await open(path, "r");
    try {
      const buffer = Buffer.alloc(SECRET_LIMIT + 1);
      let length = 0;
      while (length < buffer.length) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return buffer.subarray(0, length);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new SallyportError(
      "FILE_UNREADABLE",
      `Cannot read ${shown}: ${systemCode(error) ?? describe(error)}.`,
      {
        cause: error,
      },
    );
  }
}

async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    length += bytes.length;
    if (length > SECRET_LIMIT) break;
  }
  return Buffer.concat(chunks);
}
