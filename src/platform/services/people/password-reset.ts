import { SallyportError } from "../../../telemetry/error.ts";
import { deleteOtherSessions } from "../../store/api-tokens.ts";
import { insertAudit } from "../../store/audit.ts";
import type { Sql, Store } from "../../store/database.ts";
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
import { hashOpaqueToken, mintOpaqueToken, type OpaqueToken } from "../login/opaque-tokens.ts";
import { holdRight, rightsNow } from "./held-rights.ts";
import { hashPassword } from "./passwords.ts";
import { rightsOf } from "./rights.ts";
import { requireWithin } from "./role-reach.ts";

const HOUR_MS = 60 * 60 * 1000;
/** Who made a link on the platform's own machine. */
const PLATFORM = "platform";

export interface PasswordResetLink {
  email: string;
  expiresAt: string;
  link: string;
}

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
): Promise<PasswordResetLink> {
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
  return { email, expiresAt, link: linkOf(core.publicUrl(), token) };
}

/**
 * The same for whoever holds the database itself: nobody may be left who could make one. Good for an hour.
 * @throws SallyportError NOT_FOUND
 */
export async function makePasswordResetHere(
  store: Store,
  { email, publicUrl, now }: { email: string; publicUrl: string; now: Date },
): Promise<PasswordResetLink> {
  const token = mintOpaqueToken("spr_");
  const expiresAt = new Date(now.getTime() + HOUR_MS).toISOString();
  const at = now.toISOString();
  await store.transaction(async (sql) => {
    const person = await findPerson(sql, email);
    const [place] = person ? await listMemberships(sql, person.id) : [];
    if (!person || !place) {
      throw new SallyportError(
        "NOT_FOUND",
        `Nobody with the address ${email} belongs to an organisation here.`,
      );
    }
    const { id: userId } = person;
    const orgId = place.org_id;
    await lockOrganisation(sql, orgId, at);
    const made = { anywhere: true, tokenHash: token.hash, createdBy: PLATFORM, now: at, expiresAt };
    await replacePasswordReset(sql, { userId, orgId, ...made });
    const actor = { type: "instance", id: null, name: null } as const;
    const detail = { userId, email, expiresAt };
    await insertAudit(sql, { orgId, actor, address: null, event: "USER_PASSWORD_RESET_LINK", detail }, at);
  });
  return { email, expiresAt, link: linkOf(publicUrl, token) };
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
  if (row.anywhere === 1) return maker === PLATFORM || (await findPerson(sql, maker))?.instance_admin === 1;
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

/** The token is behind the #, which browsers send to nobody. */
function linkOf(publicUrl: string, { plain }: OpaqueToken): string {
  return `${publicUrl}/password-reset#${plain}`;
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
