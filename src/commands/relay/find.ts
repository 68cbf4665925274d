import type { RelayRow } from "../../platform-client/calls/relays.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { statusWord } from "../health.ts";
import type { Awaited } from "../wait.ts";

/**
 * One of the relays that the organisation can use; a name means its own before a shared one.
 * @throws SallyportError NOT_FOUND with what to do
 */
export async function findRelay(client: PlatformClient, nameOrId: string): Promise<RelayRow> {
  const relays = await client.relays.list();
  const named = relays.filter(({ name }) => name === nameOrId);
  const found = named.find(({ orgId }) => orgId) ?? named[0] ?? relays.find(({ id }) => id === nameOrId);
  if (found) return found;
  throw new SallyportError(
    "NOT_FOUND",
    `Your organisation has no relay ${JSON.stringify(nameOrId.slice(0, 80))}: see "sallyport relay list".`,
  );
}

export const relayArg = {
  type: "positional",
  required: true,
  description: "Name or id of the relay",
  valueHint: "name",
} as const;

/** For `--wait`. */
export function awaitedRelay(client: PlatformClient, { id, name }: { id: string; name: string }): Awaited {
  return {
    what: `relay ${name}`,
    async look() {
      const { health } = await client.relays.get(id);
      return { status: health ? statusWord(health) : "Unknown", why: health?.conditions[0]?.text };
    },
  };
}
