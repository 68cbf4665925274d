import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import {
  countInvitations,
  deleteInvitation,
  findInvitation,
  type InvitationRow,
  listInvitations,
  replaceInvitation,
} from "../../store/invitations.ts";
import { countMembers, listMembers } from "../../store/members.ts";
import { lockOrganisation } from "../../store/people.ts";
import { byHolder, type Holder, nameHolder } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { mintOpaqueToken } from "../login/opaque-tokens.ts";
import { requireGivableRole } from "./role-reach.ts";

const HOUR_MS = 60 * 60 * 1000;

export interface NewInvitation {
  email: string;
  role: string;
  validForHours: number;
}

/**
 * Makes a link for one person; whoever invites passes it on, no e-mail is sent. It carries the token in its fragment,
 * which browsers send to nobody. An earlier link for the same person is worthless then.
 * @throws SallyportError ALREADY_EXISTS for a member, NOT_FOUND, LIMIT_REACHED, FORBIDDEN for a role that allows more
 * than the caller may
 */
export async function invite(
  core: Core,
  holder: Holder,
  request: NewInvitation,
): Promise<{
  id: string;
  email: string;
  role: { id: string; name: string };
  expiresAt: string;
  link: string;
}> {
  const { orgId } = holder;
  const { email } = request;
  const token = mintOpaqueToken("spv_");
  const id = crypto.randomUUID();
  const expiresAt = new Date(core.now().getTime() + request.validForHours * HOUR_MS).toISOString();
  const role = await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    if ((await listMembers(sql, orgId, email)).length > 0) {
      throw new SallyportError("ALREADY_EXISTS", `${email} belongs to ${holder.orgName} already.`);
    }
    requireRoom(await countMembers(sql, orgId), await countInvitations(sql, orgId));
    const given = await requireGivableRole(sql, holder, request.role);
    const createdBy = nameHolder(holder).id;
    const row = { id, orgId, email, role: given.id, tokenHash: token.hash, createdBy, now, expiresAt };
    await replaceInvitation(sql, row);
    const detail = { invitationId: id, email, role: given.name, expiresAt };
    await insertAudit(sql, { ...byHolder(holder), event: "MEMBER_INVITE", detail }, now);
    return { id: given.id, name: given.name };
  });
  return { id, email, role, expiresAt, link: `${core.publicUrl()}/invitation#${token.plain}` };
}

/** Those that still count, newest first. */
export async function listOwnInvitations(core: Core, holder: Holder): Promise<InvitationRow[]> {
  const now = core.now().toISOString();
  return (await listInvitations(core.store.read, holder.orgId)).filter((row) => row.expires_at > now);
}

/** Its link is worthless. @throws SallyportError NOT_FOUND */
export async function withdrawInvitation(core: Core, holder: Holder, id: string): Promise<void> {
  await core.store.transaction(async (sql) => {
    const email = await deleteInvitation(sql, holder.orgId, id);
    if (email === undefined) throw new SallyportError("NOT_FOUND", "There is no such invitation.");
    const detail = { invitationId: id, email };
    const entry = { ...byHolder(holder), event: "MEMBER_INVITATION_DELETE", detail } as const;
    await insertAudit(sql, entry, core.now().toISOString());
  });
}

/** @throws SallyportError NOT_FOUND in the same words for a token that is unknown, used, withdrawn or expired */
export async function requireInvitation(core: Core, tokenHash: string): Promise<InvitationRow> {
  const row = await findInvitation(core.store.read, tokenHash);
  if (row && row.expires_at > core.now().toISOString()) return row;
  throw noInvitation();
}

export function noInvitation(): SallyportError {
  return new SallyportError(
    "NOT_FOUND",
    "This invitation is unknown, used or expired: ask whoever sent it for a new one.",
  );
}

function requireRoom(members: number, invitations: number): void {
  if (members < LIMITS.members && invitations < LIMITS.invitations) return;
  throw new SallyportError(
    "LIMIT_REACHED",
    `An organisation can have ${LIMITS.members} people and ${LIMITS.invitations} open invitations.`,
  );
}
