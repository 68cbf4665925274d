import type { ClientCredentials } from "../pki/credentials.ts";
import { readClientDirectory } from "../pki/directory.ts";
import { readLeaf } from "../tunnel/tls/own-identity.ts";

/**
 * Reads a directory of `ca issue client` anew at each call, so that what is issued there is used from then on. While it
 * is being written, or once it is damaged, the last credentials serve on for as long as they are valid.
 * Rejects as `readClientDirectory` does.
 */
export function followClientDirectory(
  directory: string,
  now = () => new Date(),
): () => Promise<ClientCredentials> {
  let last: ClientCredentials | undefined;
  return async () => {
    try {
      last = await readClientDirectory(directory, now());
    } catch (error) {
      if (last === undefined || isExpired(last, now())) throw error;
    }
    return last;
  };
}

function isExpired({ relay, gateway }: ClientCredentials, now: Date): boolean {
  return [relay, gateway].some(({ certificate }) => readLeaf(certificate).notAfter <= now);
}
