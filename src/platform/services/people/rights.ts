import { z } from "zod";
import { SallyportError } from "../../../telemetry/error.ts";

/**
 * What a person or a machine identity may be allowed to do in their organisation. Names are Infisical's where it has
 * them (PROTOCOL F), others are made alike.
 */
export const RIGHTS = {
  "create-gateways": "Create gateways; a machine identity may also be one",
  "list-gateways": "See gateways, their health and what is attached to them",
  "edit-gateways": "Change how gateways log in and make enrollment tokens",
  "delete-gateways": "Delete gateways",
  "attach-gateways": "Put resources behind a gateway",
  "revoke-gateway-access": "Make the tokens of a gateway worthless and cut its tunnels",
  "connect-gateways": "Reach any target behind any gateway",
  "create-relays": "Create relays; a machine identity may also be one",
  "list-relays": "See relays and their health",
  "edit-relays": "Change and drain relays and make enrollment tokens",
  "delete-relays": "Delete relays",
  "revoke-relay-access": "Make the tokens of a relay worthless",
  "create-gateway-pools": "Create pools of gateways",
  "list-gateway-pools": "See pools and their members",
  "edit-gateway-pools": "Rename pools and change their members",
  "delete-gateway-pools": "Delete pools",
  "attach-gateway-pools": "Put resources behind a pool",
  "create-resources": "Create resources",
  "list-resources": "See resources",
  "edit-resources": "Change resources",
  "delete-resources": "Delete resources",
  "connect-resources": "Reach the resources that are granted to oneself",
  "connect-all-resources": "Reach every resource without a grant",
  "revoke-resource-access": "Cut what others have open to a resource",
  "create-grants": "Let others reach a resource",
  "list-grants": "See who may reach a resource",
  "delete-grants": "Take grants back",
  "create-members": "Invite people to the organisation",
  "list-members": "See the people of the organisation and their roles",
  "edit-members": "Change the roles of people, end their tokens, make links for a new password",
  "delete-members": "Remove people from the organisation",
  "create-roles": "Create roles",
  "list-roles": "See roles and what they allow",
  "edit-roles": "Change roles",
  "delete-roles": "Delete roles",
  "create-identities": "Create machine identities",
  "list-identities": "See machine identities",
  "edit-identities": "Change machine identities, their roles and their secrets",
  "delete-identities": "Delete machine identities",
  "list-audit-log": "Read the audit log",
  "list-connections": "Read who reached what, and follow it",
  "create-alerts": "Create alerts",
  "list-alerts": "See alerts",
  "edit-alerts": "Change alerts",
  "delete-alerts": "Delete alerts",
  "list-authorities": "See the certificate authorities",
  "rotate-authorities": "Rotate the certificate authorities",
  "edit-organisation": "Rename the organisation and change its settings",
} as const;

export type Right = keyof typeof RIGHTS;
export type Rights = ReadonlySet<Right>;

export const RIGHT_NAMES = Object.keys(RIGHTS).filter(isRight);

/** Roles that every organisation has. Others are its own and go by their id. */
export const BUILT_IN_ROLES = ["admin", "member", "no-access"] as const;
export type BuiltInRole = (typeof BUILT_IN_ROLES)[number];

export const NO_RIGHTS: Rights = new Set();
const MEMBER: Rights = new Set<Right>([
  "list-gateways",
  "list-relays",
  "list-gateway-pools",
  "list-resources",
  "connect-resources",
  "list-members",
  "list-roles",
  "list-identities",
]);
const BUILT_IN: Record<BuiltInRole, Rights> = {
  admin: new Set(RIGHT_NAMES),
  member: MEMBER,
  "no-access": NO_RIGHTS,
};

export function isRight(name: string): name is Right {
  return Object.hasOwn(RIGHTS, name);
}

export function isBuiltInRole(role: string): role is BuiltInRole {
  return Object.hasOwn(BUILT_IN, role);
}

/**
 * What a role allows. `ownRights` is the JSON of a role of the organisation's own; names that this program does not know
 * allow nothing, and neither does a role that is gone.
 */
export function rightsOf(role: string, ownRights: string | null): Rights {
  if (isBuiltInRole(role)) return BUILT_IN[role];
  if (ownRights === null) return NO_RIGHTS;
  return new Set(names.parse(JSON.parse(ownRights)).filter(isRight));
}

/**
 * For what a route finds out only from its request; what it always needs, it declares.
 * @throws SallyportError FORBIDDEN
 */
export function requireRight(holder: { rights: Rights; orgName: string }, right: Right): void {
  if (holder.rights.has(right)) return;
  throw new SallyportError(
    "FORBIDDEN",
    `This needs the right ${right}: ask an administrator of ${holder.orgName} for a role that has it.`,
  );
}

const names = z.array(z.string());
