import { SallyportError } from "../../../telemetry/error.ts";
import { deleteOtherSessions } from "../../store/api-tokens.ts";
import { insertAudit } from "../../store/audit.ts";
import type { Sql } from "../../store/database.ts";
import { listMembers, listMemberships } from "../../store/members.ts";
import {
  findPasswordReset,
  type PasswordResetRow,
  replacePasswordReset,
  takePasswordReset,
} from "../../store/password-resets.ts";
import { findPerson, lockOrganisation, type PersonRow, storePassword } from "../../store/people.ts";
import { byHolder, type Holder, isInstanceAdministrator, nameHolder } from "../actors.ts";
import type { Core } from "../core.ts";
import { personChanged } from "../events/holders-changed.ts";
import { forgetAttempts } from "../login/lock-out.ts";
import { hashOpaqueToken, mintOpaqueToken } from "../login/opaque-tokens.ts";
import { holdRight, rightsNow } from "./held-rights.ts";
import { hashPassword } from "./passwords.ts";
import { rightsOf } from "./rights.ts";
import { requireWithin } from "./role-reach.ts";

const HOUR_MS = 60 * 60 * 1000;

/**
 * Makes a link with which a person chooses a new password, once; whoever makes it passes it on. Who holds the link can
 * act as that person: so an organisation's own people make one only for those who belong there alone and may not do
 * more than they do themselves; administrators of the instance make one for anybody.
 * @param who id or e-mail address
 * @throws SallyportError NOT_FOUND, FORBIDDEN
 */
export async function makePasswordReset(
  core: Core,
  holder: Holder,
  who: string,
  { validForHours }: { validForHours: number },
): Promise<{ email: string; expiresAt: string; link: string }> {
  const { orgId } = holder;
  const token = mintOpaqueToken("spr_");
  const expiresAt = new Date(core.now().getTime() + validForHours * HOUR_MS).toISOString();
  const anywhere = isInstanceAdministrator(holder);
  const { email } = await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    await holdRight(sql, holder, "edit-members");
    const person = anywhere
      ? ((await findPerson(sql, who)) ?? missing())
      : await requireOwn(sql, holder, who);
    const { id: userId } = person;
    const row = { userId, orgId, anywhere, tokenHash: token.hash, createdBy: nameHolder(holder).id };
    await replacePasswordReset(sql, { ...row, now, expiresAt });
    const detail = { userId, email: person.email, expiresAt };
    await insertAudit(sql, { ...byHolder(holder), event: "USER_PASSWORD_RESET_LINK", detail }, now);
    return person;
  });
  return { email, expiresAt, link: `${core.publicUrl()}/password-reset#${token.plain}` };
}

/**
 * The holder of a link chooses the password. Every session of the person ends; API tokens stay: a forgotten password is
 * no stolen one, and programs go on. All organisations of the person find it in their audit logs.
 * @throws SallyportError NOT_FOUND in the same words for a link that is unknown, used or expired, RESOURCE_SHORTAGE
 */
export async function resetPassword(
  core: Core,
  { token, password, address }: { token: string; password: string; address: string },
): Promise<{ email: string }> {
  const tokenHash = hashOpaqueToken(token);
  const now = () => core.now().toISOString();
  // Before the password is hashed, which is dear: only those who hold a link get that far.
  const found = (await findPasswordReset(core.store.read, tokenHash, now())) ?? absent();
  const passwordHash = await hashPassword(core, password, address);
  const { user_id: userId, email } = found;
  await core.store.transaction(async (sql) => {
    await lockOrganisation(sql, found.org_id, now());
    const row = (await findPasswordReset(sql, tokenHash, now())) ?? absent();
    if (!(await takePasswordReset(sql, tokenHash)) || !(await stillCounts(sql, row))) throw noLink();
    await storePassword(sql, userId, passwordHash, now());
    await deleteOtherSessions(sql, userId, "none");
    const actor = { type: "user", id: userId, name: email } as const;
    const places = (await listMemberships(sql, userId)).map((place) => place.org_id);
    for (const orgId of new Set([row.org_id, ...places])) {
      await insertAudit(sql, { orgId, actor, address, event: "USER_PASSWORD_RESET", detail: {} }, now());
    }
    await personChanged(sql, userId, now());
  });
  await forgetAttempts(core, { address, account: email });
  return { email };
}

/** Somebody of this organisation, and of no other. */
async function requireOwn(sql: Sql, holder: Holder, who: string): Promise<PersonRow> {
  const member = (await listMembers(sql, holder.orgId, who))[0] ?? missing();
  await requireWithin(sql, holder, rightsOf(member.role, member.rights));
  const person = (await findPerson(sql, member.user_id)) ?? missing();
  if (person.instance_admin === 0 && (await belongsOnlyTo(sql, person.id, holder.orgId))) return person;
  throw new SallyportError(
    "FORBIDDEN",
    `${person.email} is not of ${holder.orgName} alone: only an administrator of the instance can do this.`,
  );
}

/**
 * Until a link is used the person may have joined another organisation, left this one or been given a role that allows
 * more, and whoever made it may have lost the right to.
 */
async function stillCounts(sql: Sql, row: PasswordResetRow): Promise<boolean> {
  const { user_id: userId, org_id: orgId, created_by: maker } = row;
  if (row.anywhere === 1) return (await findPerson(sql, maker))?.instance_admin === 1;
  const [member] = await listMembers(sql, orgId, userId);
  const person = await findPerson(sql, userId);
  if (!member || person?.instance_admin !== 0 || !(await belongsOnlyTo(sql, userId, orgId))) return false;
  const theirs = await rightsNow(sql, orgId, maker);
  return theirs.has("edit-members") && rightsOf(member.role, member.rights).isSubsetOf(theirs);
}

async function belongsOnlyTo(sql: Sql, userId: string, orgId: string): Promise<boolean> {
  const places = await listMemberships(sql, userId);
  return places.every((place) => place.org_id === orgId);
}

function noLink(): SallyportError {
  return new SallyportError(
    "NOT_FOUND",
    "This link is unknown, used or expired: ask whoever sent it for a new one.",
  );
}

function absent(): never {
  throw noLink();
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such person in this organisation.");
}
