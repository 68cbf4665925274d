import type { ClientCredentials } from "../pki/credentials.ts";
import { readClientDirectory } from "../pki/directory.ts";
import { readLeaf } from "../tunnel/tls/own-identity.ts";

/** As long as `ca issue` may take on a busy machine; a directory that is not whole by then is damaged, and it is said so. */
const WRITING_MS = 30_000;

/**
 * Reads a directory of `ca issue client` anew at each call, so that what is issued there is used from then on. While it
 * is being written, the last credentials serve on for as long as they are valid.
 * Rejects as `readClientDirectory` does.
 */
export function followClientDirectory(
  directory: string,
  now = () => new Date(),
): () => Promise<ClientCredentials> {
  let last: ClientCredentials | undefined;
  /** Since when it could not be read, in milliseconds of the wall clock. */
  let failingSince: number | undefined;
  return async () => {
    const at = now();
    try {
      last = await readClientDirectory(directory, at);
      failingSince = undefined;
    } catch (error) {
      failingSince ??= at.getTime();
      const mayBeWriting = at.getTime() - failingSince < WRITING_MS;
      if (last === undefined || !mayBeWriting || isExpired(last, at)) throw error;
    }
    return last;
  };
}

function isExpired({ relay, gateway }: ClientCredentials, now: Date): boolean {
  return [relay, gateway].some(({ certificate }) => readLeaf(certificate).notAfter <= now);
}
