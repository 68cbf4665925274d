import { SallyportError } from "../../../telemetry/error.ts";
import {
  type ApiTokenRow,
  countApiTokens,
  deleteApiToken,
  insertApiToken,
  listApiTokens,
} from "../../store/api-tokens.ts";
import { insertAudit } from "../../store/audit.ts";
import { listMembers } from "../../store/members.ts";
import { lockOrganisation } from "../../store/people.ts";
import { byHolder, type Holder, type Person } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { holdersChanged } from "../events/holders-changed.ts";
import { holdRight } from "../people/held-rights.ts";
import { rightsOf } from "../people/rights.ts";
import { requireWithin } from "../people/role-reach.ts";
import { mintOpaqueToken } from "./opaque-tokens.ts";

/** The person's own, sessions too, for the organisation that they are in. */
export async function listOwnTokens(core: Core, person: Person): Promise<ApiTokenRow[]> {
  return await listApiTokens(core.store.read, person, core.now().toISOString());
}

/**
 * For programs. It can do what the person can, in this organisation.
 * @returns the row, and the token, which is shown this once
 * @throws SallyportError REQUEST_INVALID for an end that is over, LIMIT_REACHED, FORBIDDEN where a token that ends
 * would make one that lasts longer
 */
export async function createApiToken(
  core: Core,
  person: Person,
  request: { name: string; expiresAt?: string | undefined },
): Promise<ApiTokenRow & { token: string }> {
  const { userId, orgId } = person;
  const token = mintOpaqueToken("spt_");
  const id = crypto.randomUUID();
  const now = core.now().toISOString();
  const expiresAt = request.expiresAt === undefined ? null : new Date(request.expiresAt).toISOString();
  if (expiresAt !== null && expiresAt <= now) {
    throw new SallyportError("REQUEST_INVALID", "expiresAt is over already: give a time to come.");
  }
  requireShorter(person, expiresAt);
  await core.store.transaction(async (sql) => {
    await lockOrganisation(sql, orgId, now);
    if ((await countApiTokens(sql, person)) >= LIMITS.tokens) {
      throw new SallyportError(
        "LIMIT_REACHED",
        `A person can have ${LIMITS.tokens} API tokens: revoke one first.`,
      );
    }
    await insertApiToken(sql, {
      id,
      userId,
      orgId,
      name: request.name,
      tokenHash: token.hash,
      now,
      expiresAt,
    });
    const detail = { tokenId: id, name: request.name, expiresAt };
    await insertAudit(sql, { ...byHolder(person), event: "USER_TOKEN_CREATE", detail }, now);
  });
  return {
    id,
    kind: "token",
    name: request.name,
    created_at: now,
    expires_at: expiresAt,
    last_used_at: null,
    token: token.plain,
  };
}

/** Also ends a session. @throws SallyportError NOT_FOUND, also for another person's */
export async function revokeApiToken(core: Core, person: Person, id: string): Promise<ApiTokenRow> {
  return await core.store.transaction(async (sql) => {
    const row = await deleteApiToken(sql, person, id);
    if (!row) throw new SallyportError("NOT_FOUND", "You have no such token.");
    const detail = { tokenId: id, name: row.name };
    const now = core.now().toISOString();
    await insertAudit(sql, { ...byHolder(person), event: "USER_TOKEN_DELETE", detail }, now);
    await holdersChanged(sql, person.orgId, now);
    return row;
  });
}

/** Of somebody in the same organisation, and for it. @throws SallyportError NOT_FOUND */
export async function listMemberTokens(core: Core, holder: Holder, who: string): Promise<ApiTokenRow[]> {
  const { orgId } = holder;
  const member = (await listMembers(core.store.read, orgId, who))[0] ?? nobody();
  return await listApiTokens(core.store.read, { userId: member.user_id, orgId }, core.now().toISOString());
}

/** Somebody else's, a session too. @throws SallyportError NOT_FOUND, FORBIDDEN for somebody who may do more */
export async function revokeMemberToken(
  core: Core,
  holder: Holder,
  { who, id }: { who: string; id: string },
): Promise<ApiTokenRow> {
  const { orgId } = holder;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await holdRight(sql, holder, "edit-members");
    const member = (await listMembers(sql, orgId, who))[0] ?? nobody();
    await requireWithin(sql, holder, rightsOf(member.role, member.rights));
    const row = await deleteApiToken(sql, { userId: member.user_id, orgId }, id);
    if (!row) throw new SallyportError("NOT_FOUND", `${member.email} has no such token.`);
    const detail = { tokenId: id, name: row.name, userId: member.user_id, email: member.email };
    await insertAudit(sql, { ...byHolder(holder), event: "USER_TOKEN_DELETE", detail }, now);
    await holdersChanged(sql, orgId, now);
    return row;
  });
}

function nobody(): never {
  throw new SallyportError("NOT_FOUND", "There is no such person in this organisation.");
}

/** Who has got hold of a token for an hour must not make themselves one for ever. */
function requireShorter(person: Person, expiresAt: string | null): void {
  const { tokenKind, tokenExpiresAt: end } = person;
  if (tokenKind === "session" || end === null || (expiresAt !== null && expiresAt <= end)) return;
  throw new SallyportError("FORBIDDEN", `This API token ends at ${end}: what it makes can't last longer.`);
}
