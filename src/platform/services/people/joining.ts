import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import type { Sql } from "../../store/database.ts";
import { type InvitationRow, takeInvitation } from "../../store/invitations.ts";
import { findUser, insertMembership, insertUser, lockOrganisation } from "../../store/people.ts";
import { nameHolder, type Person } from "../actors.ts";
import type { Core } from "../core.ts";
import { hashOpaqueToken } from "../login/opaque-tokens.ts";
import { newSession, type Session } from "../login/sessions.ts";
import { rightsNow } from "./held-rights.ts";
import { noInvitation, requireInvitation } from "./invitations.ts";
import { hashPassword, PASSWORD_LENGTH, requirePassword } from "./passwords.ts";
import { requireRole } from "./role-reach.ts";

/** What somebody who holds the link sees before they accept. */
export interface Offer {
  email: string;
  organisation: string;
  role: string;
  expiresAt: string;
  /** The person has a password on this platform already. */
  known: boolean;
}

/** @throws SallyportError NOT_FOUND */
export async function readInvitation(core: Core, token: string): Promise<Offer> {
  const invitation = await requireInvitation(core, hashOpaqueToken(token));
  const user = await findUser(core.store.read, invitation.email);
  return {
    email: invitation.email,
    organisation: invitation.org_name,
    role: invitation.role_name ?? invitation.role,
    expiresAt: invitation.expires_at,
    known: user !== undefined,
  };
}

/**
 * The invited person joins: with a password that they choose, or, where the platform knows them already, with the one
 * that they have, since a link alone proves nothing about them.
 * @returns a session in the organisation that they joined
 * @throws SallyportError NOT_FOUND, REQUEST_INVALID for a short password, UNAUTHENTICATED, RATE_LIMITED
 */
export async function acceptInvitation(
  core: Core,
  request: { token: string; password: string; name?: string | undefined; address: string },
): Promise<Session & { email: string; organisation: { id: string; name: string } }> {
  const tokenHash = hashOpaqueToken(request.token);
  const invitation = await requireInvitation(core, tokenHash);
  const { email, org_id: orgId, org_name: orgName } = invitation;
  const user = await findUser(core.store.read, email);
  const writeUser = user
    ? await knownPerson(core, { ...request, email }, user)
    : await newPerson(core, { ...request, email });
  const session = newSession(core.now());
  await core.store.transaction(async (sql) => {
    const userId = await writeUser(sql);
    const actor = { type: "user", id: userId, name: email } as const;
    await join(core, sql, { tokenHash, invitation, actor, address: request.address });
    await session.write(sql, { userId, orgId });
  });
  const { accessToken, expiresAt } = session;
  return { accessToken, expiresAt, email, organisation: { id: orgId, name: orgName } };
}

/**
 * The same for somebody who is logged in.
 * @throws SallyportError NOT_FOUND, FORBIDDEN when it is for another person: it stays good then
 */
export async function joinOrganisation(
  core: Core,
  person: Person,
  token: string,
): Promise<{ id: string; name: string }> {
  const tokenHash = hashOpaqueToken(token);
  const invitation = await requireInvitation(core, tokenHash);
  if (invitation.email !== person.email) {
    throw new SallyportError(
      "FORBIDDEN",
      "This invitation is for another person: log in as them to accept it.",
    );
  }
  const { address } = person;
  await core.store.transaction((sql) =>
    join(core, sql, { tokenHash, invitation, actor: nameHolder(person), address }),
  );
  return { id: invitation.org_id, name: invitation.org_name };
}

/** Of several who try at once, one gets it. */
async function join(
  core: Core,
  sql: Sql,
  request: {
    tokenHash: string;
    invitation: InvitationRow;
    actor: ReturnType<typeof nameHolder>;
    address: string;
  },
): Promise<void> {
  const { invitation, actor, address } = request;
  const now = core.now().toISOString();
  await lockOrganisation(sql, invitation.org_id, now);
  const taken = await takeInvitation(sql, request.tokenHash, now);
  if (!taken || !(await mayStillInvite(sql, taken))) throw noInvitation();
  await insertMembership(sql, { userId: actor.id, orgId: taken.org_id, role: taken.role, now });
  const detail = { email: taken.email, role: invitation.role_name ?? taken.role };
  await insertAudit(sql, { orgId: taken.org_id, event: "MEMBER_JOIN", actor, address, detail }, now);
}

/** Whoever invited may have lost the right since, or the role allows more than they may do now. */
async function mayStillInvite(
  sql: Sql,
  { org_id: orgId, role, created_by: createdBy }: { org_id: string; role: string; created_by: string },
): Promise<boolean> {
  const theirs = await rightsNow(sql, orgId, createdBy);
  const { rights } = await requireRole(sql, orgId, role);
  return theirs.has("create-members") && rights.isSubsetOf(theirs);
}

type Applicant = { email: string; password: string; name?: string | undefined; address: string };

async function knownPerson(
  core: Core,
  applicant: Applicant,
  user: { id: string; password_hash: string | null },
): Promise<(sql: Sql) => Promise<string>> {
  const refusal = "This person has a password on this platform already, and it is another one.";
  await requirePassword(core, applicant, user.password_hash, refusal);
  return async () => user.id;
}

async function newPerson(core: Core, applicant: Applicant): Promise<(sql: Sql) => Promise<string>> {
  const { email, name } = applicant;
  if (applicant.password.length < PASSWORD_LENGTH.min) {
    throw new SallyportError(
      "REQUEST_INVALID",
      `Choose a password of at least ${PASSWORD_LENGTH.min} characters.`,
    );
  }
  const passwordHash = await hashPassword(core, applicant.password, applicant.address);
  const id = crypto.randomUUID();
  return async (sql) => {
    const now = core.now().toISOString();
    const row = { id, email, passwordHash, instanceAdmin: false, now, ...(name !== undefined && { name }) };
    if (await insertUser(sql, row)) return id;
    throw new SallyportError("CONFLICT", "This person has just accepted another invitation: try again.");
  };
}
