import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import type { Sql } from "../../store/database.ts";
import { deleteInvitationsBy } from "../../store/invitations.ts";
import {
  countAdministrators,
  deleteMember,
  listMembers,
  type MemberRow,
  updateMemberRole,
} from "../../store/members.ts";
import { deletePasswordResetsBy } from "../../store/password-resets.ts";
import { lockOrganisation } from "../../store/people.ts";
import { endAccess } from "../access/access-end.ts";
import { endLostAccess } from "../access/lost-access.ts";
import { byHolder, type Holder } from "../actors.ts";
import type { Core } from "../core.ts";
import { holdersChanged } from "../events/holders-changed.ts";
import { rightsOf } from "./rights.ts";
import { requireGivableRole, requireWithin } from "./role-reach.ts";

/** By e-mail address. */
export async function listOwnMembers(core: Core, holder: Holder): Promise<MemberRow[]> {
  return await listMembers(core.store.read, holder.orgId, null);
}

/**
 * Counts from the person's next request on; what only the old role let them open is cut, and their open invitations are
 * withdrawn: they were made with the old role's rights.
 * @throws SallyportError NOT_FOUND, FORBIDDEN when either role allows more than the caller may, REQUEST_REFUSED for the
 * last administrator
 */
export async function changeMember(
  core: Core,
  holder: Holder,
  who: string,
  change: { role: string },
): Promise<MemberRow> {
  const { orgId } = holder;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    const member = await requireReachable(sql, holder, who);
    const role = await requireGivableRole(sql, holder, change.role);
    if (role.id !== "admin") await requireAnotherAdministrator(sql, orgId, member);
    await updateMemberRole(sql, orgId, member.user_id, role.id);
    await deleteInvitationsBy(sql, orgId, member.user_id);
    await deletePasswordResetsBy(sql, orgId, member.user_id);
    const detail = { ...about(member), role: role.name, before: member.role_name ?? member.role };
    await insertAudit(sql, { ...byHolder(holder), event: "MEMBER_UPDATE", detail }, now);
    const whose = { orgId, holderIds: [member.user_id] };
    await endLostAccess(
      sql,
      whose,
      { before: rightsOf(member.role, member.rights), after: role.rights },
      now,
    );
    return (await listMembers(sql, orgId, member.user_id))[0] ?? missing();
  });
}

/**
 * The person's tokens and sessions for this organisation are worthless at once, their grants are gone, and what they
 * have open is cut, and so are their open invitations. Other organisations are not touched.
 * @throws SallyportError NOT_FOUND, FORBIDDEN, REQUEST_REFUSED for the last administrator
 */
export async function removeMember(core: Core, holder: Holder, who: string): Promise<MemberRow> {
  const { orgId } = holder;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    const member = await requireReachable(sql, holder, who);
    await requireAnotherAdministrator(sql, orgId, member);
    await deleteMember(sql, orgId, member.user_id);
    await deleteInvitationsBy(sql, orgId, member.user_id);
    await deletePasswordResetsBy(sql, orgId, member.user_id);
    await insertAudit(sql, { ...byHolder(holder), event: "MEMBER_REMOVE", detail: about(member) }, now);
    await endAccess(sql, { orgId, holderId: member.user_id }, now);
    await holdersChanged(sql, orgId, now);
    return member;
  });
}

async function requireReachable(sql: Sql, holder: Holder, who: string): Promise<MemberRow> {
  const member = (await listMembers(sql, holder.orgId, who))[0] ?? missing();
  await requireWithin(sql, holder, rightsOf(member.role, member.rights));
  return member;
}

/** Under the organisation's lock: of two administrators who demote each other, one stays. */
async function requireAnotherAdministrator(sql: Sql, orgId: string, member: MemberRow): Promise<void> {
  if (member.role !== "admin" || (await countAdministrators(sql, orgId)) > 1) return;
  throw new SallyportError(
    "REQUEST_REFUSED",
    `${member.email} is the last administrator: give somebody else the role admin first.`,
  );
}

function about(member: MemberRow) {
  return { userId: member.user_id, email: member.email };
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such person in this organisation.");
}
