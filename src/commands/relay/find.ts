import type { RelayRow } from "../../platform-client/calls/relays.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import type { AgentKind } from "../agent/kind.ts";
import { statusWord } from "../health.ts";
import { requireNamed } from "../named.ts";
import type { Awaited } from "../wait.ts";

/**
 * One of the relays that the organisation can use; a name means its own before a shared one.
 * @throws SallyportError NOT_FOUND with what to do
 */
export async function findRelay(client: PlatformClient, nameOrId: string): Promise<RelayRow> {
  const relays = await client.relays.list();
  const ownFirst = [...relays.filter(({ orgId }) => orgId), ...relays.filter(({ orgId }) => !orgId)];
  return requireNamed(ownFirst, nameOrId, "relay", "relay list");
}

export const relay: AgentKind = {
  role: "relay",
  end: "it stops serving at once",
  find: findRelay,
  calls: ({ relays }) => relays,
};

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
