import { resolve } from "node:path";
import { readTextFile } from "../../host/bounded-file.ts";
import { setting } from "../../host/environment.ts";
import type { X509KeyAlgorithm } from "../../pki/keys.ts";
import type { KeyPlace } from "../../pki/offline/sealing-key.ts";
import { SallyportError } from "../../telemetry/error.ts";

const DEFAULT_DIRECTORY = "ca";
const KEY_FILE_LIMIT = 64 * 1024;

/** Flags of every `ca` command. */
export const caFlags = {
  dir: {
    type: "string",
    description: "Directory of the CA (or SALLYPORT_CA_DIR; default: ./ca)",
    valueHint: "DIR",
  },
  "key-file": {
    type: "string",
    description: "File with the key that seals the CA's private keys (default: DIR.key; or SALLYPORT_CA_KEY)",
    valueHint: "FILE",
  },
  json: { type: "boolean", description: "Print JSON" },
} as const;

/** Flags of `ca issue relay` and `ca issue gateway`. */
export const holderFlags = {
  out: { type: "string", description: "Directory to write", valueHint: "DIR", required: true },
  ttl: {
    type: "string",
    description: "How long the certificates are valid: 30d, 12h, 90m",
    valueHint: "TIME",
    default: "30d",
  },
  csr: {
    type: "string",
    description: "Certificate request (PKCS#10, PEM) of a TLS key that stays where it is",
    valueHint: "FILE",
  },
  "ssh-public-key": {
    type: "string",
    description: "Public line of an SSH key that stays where it is",
    valueHint: "FILE",
  },
} as const;

export function placeOf(args: { dir?: string | undefined; "key-file"?: string | undefined }): KeyPlace {
  const directory = args.dir ?? setting(process.env, "CA_DIR") ?? DEFAULT_DIRECTORY;
  return { directory: resolve(directory), keyFile: args["key-file"], env: process.env };
}

/** @throws SallyportError USAGE */
export function keyTypeOf(text: string): X509KeyAlgorithm {
  if (text === "ecdsa-p256" || text === "rsa-2048") return text;
  throw new SallyportError("USAGE", "--key-type must be ecdsa-p256 or rsa-2048");
}

/** @throws SallyportError USAGE */
export function portOf(text: string, flag: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new SallyportError("USAGE", `${flag} must be a port from 1 to 65535`);
}

/** The text of a file that a flag names. @throws SallyportError FILE_UNREADABLE */
export async function fileOf(path: string | undefined, flag: string): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readTextFile(path, KEY_FILE_LIMIT);
  if (text !== undefined) return text;
  throw new SallyportError("FILE_UNREADABLE", `There is no file ${path}, which ${flag} names`);
}
