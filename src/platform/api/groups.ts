import { alertRoutes } from "./alerts.ts";
import { auditRoutes } from "./audit.ts";
import { authorityRoutes } from "./authorities.ts";
import { connectedRoutes } from "./connected.ts";
import { connectionRoutes } from "./connections.ts";
import type { RouteGroup } from "./description.ts";
import { eventRoutes } from "./events.ts";
import { gatewayAgentRoutes } from "./gateway-agents.ts";
import { gatewayLoadRoutes } from "./gateway-loads.ts";
import { gatewayPoolRoutes } from "./gateway-pools.ts";
import { gatewayRoutes } from "./gateways.ts";
import { grantRoutes } from "./grants.ts";
import { identityRoutes } from "./identities.ts";
import { identityAgentRoutes } from "./identity-agents.ts";
import { invitationRoutes } from "./invitations.ts";
import { memberRoutes } from "./members.ts";
import { organisationRoutes } from "./organisations.ts";
import { passwordResetRoutes } from "./password-resets.ts";
import { peopleRoutes } from "./people.ts";
import { relayAgentRoutes } from "./relay-agents.ts";
import { relayTunnelRoutes } from "./relay-tunnels.ts";
import { relayRoutes } from "./relays.ts";
import { resourceRoutes } from "./resources.ts";
import { roleRoutes } from "./roles.ts";
import { tokenRoutes } from "./tokens.ts";
import { universalAuthRoutes } from "./universal-auth.ts";

/** In the order in which people read about them. */
export const GROUPS: readonly RouteGroup[] = [
  {
    name: "Logging in",
    about: "Sessions and API tokens of people, and where they belong.",
    routes: [peopleRoutes, tokenRoutes],
  },
  {
    name: "People and roles",
    about: "Who belongs to an organisation, and what they may do there.",
    routes: [invitationRoutes, memberRoutes, passwordResetRoutes, roleRoutes, organisationRoutes],
  },
  {
    name: "Machine identities",
    about: "Programs that act by themselves, with a client id and a secret.",
    routes: [universalAuthRoutes, identityRoutes],
  },
  {
    name: "Gateways",
    about: "The agents in private networks, as people manage them.",
    routes: [gatewayRoutes, connectedRoutes, gatewayPoolRoutes],
  },
  { name: "Relays", about: "Where gateways and clients meet, as people manage them.", routes: [relayRoutes] },
  {
    name: "Resources",
    about: "What is reached through gateways, by whom, and until when.",
    routes: [resourceRoutes, grantRoutes],
  },
  {
    name: "Looking back",
    about: "The audit log, connections, alerts and what happens now.",
    routes: [auditRoutes, alertRoutes, eventRoutes],
  },
  {
    name: "Authorities",
    about: "The certificate authorities of the organisation and of the instance.",
    routes: [authorityRoutes],
  },
  {
    name: "Agents",
    about: "What gateways and relays call by themselves.",
    routes: [
      gatewayAgentRoutes,
      relayAgentRoutes,
      identityAgentRoutes,
      gatewayLoadRoutes,
      relayTunnelRoutes,
      connectionRoutes,
    ],
  },
];
