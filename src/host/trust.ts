import { readFile } from "node:fs/promises";
import * as tls from "node:tls";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";

declare module "node:tls" {
  /** Bun and Node 22 have it; bun-types 1.4.5 does not list it yet. */
  function getCACertificates(type: "system"): string[];
}

/**
 * The authorities an https platform may be certified by: the built-in ones, the system's, and those of `caFile`.
 * Handing Bun a `ca` replaces its whole trust store, so all three are always given together.
 * @throws SallyportError FILE_UNREADABLE, CONFIG_INVALID
 */
export async function trustedAuthorities(caFile: string | undefined): Promise<string[]> {
  const known = [...tls.rootCertificates, ...tls.getCACertificates("system")];
  return caFile === undefined ? known : [...known, await readAuthorities(caFile)];
}

async function readAuthorities(path: string): Promise<string> {
  let pem: string;
  try {
    pem = await readFile(path, "utf8");
  } catch (error) {
    const reason = systemCode(error) ?? describe(error);
    throw new SallyportError("FILE_UNREADABLE", `Cannot read the CA file ${path}: ${reason}.`, {
      cause: error,
    });
  }
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new SallyportError("CONFIG_INVALID", `There is no PEM certificate in the CA file ${path}.`);
}
