import { list } from "../../gateway/settings.ts";
import { requireRelayName } from "../../host/names.ts";
import { shellWord } from "../../host/shell-word.ts";
import type { GatewayRow } from "../../platform-client/calls/gateways.ts";
import type { PlatformClient } from "../../platform-client/client.ts";

/** What to type on the gateway's machine, and until when that works; for ever where the gateway needs no token. */
export interface Deployment {
  command: string;
  token?: string;
  expiresAt?: string;
}

/**
 * How a gateway is deployed; with a new token where it logs in by one.
 * @param gateway as `getGateway` shows it
 */
export async function deployment(
  client: PlatformClient,
  { id, name, authMethod }: GatewayRow,
  relays: string[],
): Promise<Deployment> {
  const method = authMethod?.method ?? "token";
  const where = { name, relays, domain: client.domain };
  if (method !== "token") return { command: deployCommand({ ...where, method, id }) };
  const { token, expiresAt } = await client.gateways.generateToken(id);
  return { command: deployCommand({ ...where, token }), token, expiresAt };
}

type Login = { token: string } | { method: string; id: string };

/** What to type on the gateway's machine, in Infisical's words (PROTOCOL 0.4). */
export function deployCommand(where: Login & { name: string; relays: string[]; domain: string }): string {
  const { name, relays, domain } = where;
  const login =
    "token" in where
      ? ["--enroll-method=token", `--token=${where.token}`]
      : [`--enroll-method=${where.method}`, `--gateway-id=${where.id}`];
  const words = [
    ...["sallyport", "gateway", "start", name, ...login],
    ...(relays.length > 0 ? [`--relay=${relays.join(",")}`] : []),
    `--domain=${domain}`,
  ];
  return words.map(shellWord).join(" ");
}

/** @throws SallyportError NAME_INVALID */
export function relayNames(values: string[]): string[] {
  return values.flatMap((value) => list(value, "--relay")).map(requireRelayName);
}
