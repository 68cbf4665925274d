import type { Role } from "../../host/paths.ts";
import { shellWord } from "../../host/shell-word.ts";
import type { PlatformClient } from "../../platform-client/client.ts";

/** What to type on the agent's machine, and until when that works; for ever where it needs no token. */
export interface Deployment {
  command: string;
  token?: string;
  expiresAt?: string;
}

export interface Deployed {
  role: Role;
  id: string;
  /** How it logs in; by token unless told. */
  method: string | undefined;
  /** The words of `start` that say which one it is. */
  who: string;
  more?: string[];
}

/** How a gateway or a relay is deployed; with a new token where it logs in by one. */
export async function deployment(client: PlatformClient, deployed: Deployed): Promise<Deployment> {
  const { role, id, method = "token" } = deployed;
  if (method !== "token") return { command: deployCommand(client.domain, deployed) };
  const agents = role === "gateway" ? client.gateways : client.relays;
  const { token, expiresAt } = await agents.generateToken(id);
  return { command: deployCommand(client.domain, deployed, token), token, expiresAt };
}

/** In Infisical's words (PROTOCOL 0.4). */
export function deployCommand(
  domain: string,
  { role, id, method = "token", who, more = [] }: Deployed,
  token?: string,
): string {
  const login = token === undefined ? `--${role}-id=${id}` : `--token=${token}`;
  const words = ["sallyport", role, "start", who, `--enroll-method=${method}`, login, ...more];
  return [...words, `--domain=${domain}`].map(shellWord).join(" ");
}
