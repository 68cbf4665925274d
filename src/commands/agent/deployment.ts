import type { Role } from "../../host/paths.ts";
import { shellWord } from "../../host/shell-word.ts";
import type { PlatformClient } from "../../platform-client/client.ts";

/** What to type on the agent's machine, and until when that works; for ever where it needs no token. */
export interface Deployment {
  /** In a terminal. */
  command: string;
  /** As a service of the system. */
  serviceCommand: string;
  token?: string;
  expiresAt?: string;
}

export interface Deployed {
  role: Role;
  id: string;
  name: string;
  /** How it logs in; by token unless told. */
  method: string | undefined;
  more?: string[];
}

export const serviceArg = {
  service: { type: "boolean", description: "As a service of the system, which starts with the machine" },
} as const;

/** How a gateway or a relay is deployed; with a new token where it logs in by one. */
export async function deployment(client: PlatformClient, deployed: Deployed): Promise<Deployment> {
  const { role, id, method = "token" } = deployed;
  if (method !== "token") return deployCommands(client.domain, deployed);
  const agents = role === "gateway" ? client.gateways : client.relays;
  const { token, expiresAt } = await agents.generateToken(id);
  return { ...deployCommands(client.domain, deployed, token), token, expiresAt };
}

/** In Infisical's words (PROTOCOL 0.4). */
export function deployCommands(
  domain: string,
  { role, id, name, method = "token", more = [] }: Deployed,
  token?: string,
): { command: string; serviceCommand: string } {
  const login = token === undefined ? `--${role}-id=${id}` : `--token=${token}`;
  const flags = [`--enroll-method=${method}`, login, ...more, `--domain=${domain}`];
  const line = (...words: string[]) => [...words, ...flags].map(shellWord).join(" ");
  return {
    command: line("sallyport", role, "start", role === "gateway" ? name : `--name=${name}`),
    serviceCommand: line("sudo", "sallyport", role, "systemd", "install", name),
  };
}
