import type { TokenKind } from "../store/api-tokens.ts";
import type { AuditEntry } from "../store/audit.ts";
import type { Rights } from "./people/rights.ts";

/** Who makes a request, after their token was checked. `address` is where from. */
export type Actor = Holder | GatewayActor | RelayActor | RelaySecretActor | Superseded | Anyone;

/** Who has rights in an organisation: what a route demands of them is checked in one place (`declareRoute`). */
export type Holder = Person | IdentityActor;

interface Member {
  orgId: string;
  orgName: string;
  /** A built-in role, or the id of one of the organisation's own. */
  role: string;
  /** What the role allowed when this request came. */
  rights: Rights;
  address: string;
}

export interface Person extends Member {
  kind: "person";
  userId: string;
  email: string;
  /** May also change what belongs to the whole instance. */
  instanceAdmin: boolean;
  /** What the request came with. */
  tokenId: string;
  tokenKind: TokenKind;
  /** null = it lasts until it is revoked. */
  tokenExpiresAt: string | null;
}

/** A machine identity of the organisation. */
export interface IdentityActor extends Member {
  kind: "identity";
  identityId: string;
  /** What it logged in with. */
  secretId: string;
  name: string;
}

export interface GatewayActor {
  kind: "gateway";
  gatewayId: string;
  orgId: string;
  /** Of the token, which is also the row's. */
  tokenVersion: number;
  address: string;
}

export interface RelayActor {
  kind: "relay";
  relayId: string;
  /** null = shared by all organisations. */
  orgId: string | null;
  tokenVersion: number;
  address: string;
}

/** Holds the secret that instance relays register with. */
export interface RelaySecretActor {
  kind: "relay-secret";
  address: string;
}

/** Held an access token that was revoked or replaced since; exactly one of the ids. */
export interface Superseded {
  kind: "superseded";
  gatewayId?: string;
  relayId?: string;
  orgId: string | null;
  address: string;
}

export interface Anyone {
  kind: "anyone";
  address: string;
}

/** How a holder is called in the audit log and in certificates. */
export function nameHolder(holder: Holder): { type: "user" | "identity"; id: string; name: string } {
  return holder.kind === "person"
    ? { type: "user", id: holder.userId, name: holder.email }
    : { type: "identity", id: holder.identityId, name: holder.name };
}

export function isInstanceAdministrator(holder: Holder): boolean {
  return holder.kind === "person" && holder.instanceAdmin;
}

/** The part of an audit entry that says who did it. */
export function byHolder(holder: Holder): Pick<AuditEntry, "orgId" | "actor" | "address"> {
  return { orgId: holder.orgId, actor: nameHolder(holder), address: holder.address };
}
