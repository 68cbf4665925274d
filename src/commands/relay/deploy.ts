import { shellWord } from "../../host/shell-word.ts";
import type { RelayRow } from "../../platform-client/calls/relays.ts";
import type { PlatformClient } from "../../platform-client/client.ts";

/** What to type on the relay's machine, and until when that works; for ever where the relay needs no token. */
export interface Deployment {
  command: string;
  token?: string;
  expiresAt?: string;
}

/**
 * How a relay is deployed, in Infisical's words (PROTOCOL 0.4); with a new token where it logs in by one.
 * @param relay as `getRelay` shows it
 */
export async function deployment(
  client: PlatformClient,
  { id, name, authMethod }: RelayRow,
): Promise<Deployment> {
  const method = authMethod?.method ?? "token";
  const write = (login: string) =>
    ["sallyport", "relay", "start", `--name=${name}`, `--enroll-method=${method}`, login]
      .concat(`--domain=${client.domain}`)
      .map(shellWord)
      .join(" ");
  if (method !== "token") return { command: write(`--relay-id=${id}`) };
  const { token, expiresAt } = await client.relays.generateToken(id);
  return { command: write(`--token=${token}`), token, expiresAt };
}
