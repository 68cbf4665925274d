import { alerts } from "./alerts.ts";
import { authMethods } from "./auth-methods.ts";
import { authorityGenerations } from "./authority-generations.ts";
import { connectionInstances } from "./connection-instances.ts";
import { connections } from "./connections.ts";
import { core } from "./core.ts";
import { events } from "./events.ts";
import { gatewayPools } from "./gateway-pools.ts";
import { grants } from "./grants.ts";
import { health } from "./health.ts";
import { identities } from "./identities.ts";
import type { Migration } from "./migration.ts";
import { passwordResets } from "./password-resets.ts";
import { people } from "./people.ts";
import { relayLeasesLost } from "./relay-leases-lost.ts";
import { relayTunnels } from "./relay-tunnels.ts";
import { roles } from "./roles.ts";
import { rootKey } from "./root-key.ts";

/** In the order in which they are taken; a database remembers how many it has: append. */
export const MIGRATIONS: Migration[] = [
  core,
  events,
  grants,
  relayTunnels,
  connections,
  relayLeasesLost,
  connectionInstances,
  roles,
  identities,
  authorityGenerations,
  gatewayPools,
  authMethods,
  people,
  health,
  alerts,
  rootKey,
  passwordResets,
];
