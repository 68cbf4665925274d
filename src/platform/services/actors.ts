import type { AuditEntry } from "../store/audit.ts";

/** Who makes a request, after their token was checked. `address` is where from. */
export type Actor = Person | GatewayActor | RelayActor | RelaySecretActor | Superseded | Anyone;

export interface Person {
  kind: "person";
  userId: string;
  email: string;
  /** May also change what belongs to the whole instance. */
  instanceAdmin: boolean;
  orgId: string;
  /** In this organisation. */
  role: string;
  orgName: string;
  tokenId: string;
  address: string;
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
  orgId: string;
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
  orgId: string;
  address: string;
}

export interface Anyone {
  kind: "anyone";
  address: string;
}

/** Who may do everything in their organisation. */
export function isAdministrator(person: Person): boolean {
  return person.role === "admin";
}

/** The part of an audit entry that says who did it. */
export function byPerson(person: Person): Pick<AuditEntry, "orgId" | "actor" | "address"> {
  return {
    orgId: person.orgId,
    actor: { type: "user", id: person.userId, name: person.email },
    address: person.address,
  };
}
