import { SallyportError } from "../../../telemetry/error.ts";
import { moveSession } from "../../store/api-tokens.ts";
import { insertAudit } from "../../store/audit.ts";
import { lockInstance } from "../../store/instance.ts";
import { listMemberships } from "../../store/members.ts";
import { requiresGatewayPools, storeRequireGatewayPools } from "../../store/organisation-settings.ts";
import {
  countOrganisations,
  insertMembership,
  insertOrganisation,
  renameOrganisation,
} from "../../store/people.ts";
import { byHolder, type Holder, type Person } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { holdersChanged } from "../events/holders-changed.ts";

export interface Membership {
  id: string;
  name: string;
  role: { id: string; name: string };
}

/** Where this person belongs, by name. */
export async function listOwnOrganisations(core: Core, person: Person): Promise<Membership[]> {
  const rows = await listMemberships(core.store.read, person.userId);
  return rows.map((row) => ({
    id: row.org_id,
    name: row.org_name,
    role: { id: row.role, name: row.role_name ?? row.role },
  }));
}

/**
 * With authorities and a sealing key of its own. Whoever makes it administers it.
 * @throws SallyportError ALREADY_EXISTS, LIMIT_REACHED
 */
export async function createOrganisation(core: Core, person: Person, name: string): Promise<Membership> {
  const id = crypto.randomUUID();
  const sealedKey = core.keyring.newOrganisationKey(id);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockInstance(sql);
    if ((await countOrganisations(sql)) >= LIMITS.organisations) {
      throw new SallyportError("LIMIT_REACHED", `There can be ${LIMITS.organisations} organisations.`);
    }
    if (!(await insertOrganisation(sql, { id, name, sealedKey, now }))) throw taken(name);
    await insertMembership(sql, { userId: person.userId, orgId: id, role: "admin", now });
    const entry = { ...byHolder(person), orgId: id, event: "ORGANISATION_CREATE", detail: { name } } as const;
    await insertAudit(sql, entry, now);
  });
  await core.authorities.organisation(id);
  return { id, name, role: { id: "admin", name: "admin" } };
}

/** @throws SallyportError ALREADY_EXISTS */
export async function changeOrganisation(
  core: Core,
  holder: Holder,
  change: { name?: string | undefined; requireGatewayPools?: boolean | undefined },
) {
  const { orgId: id, orgName: before } = holder;
  const { name = before, requireGatewayPools: required } = change;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockInstance(sql);
    if (!(await renameOrganisation(sql, id, name, now))) throw taken(name);
    if (required !== undefined) await storeRequireGatewayPools(sql, id, required, now);
    const requireGatewayPools = await requiresGatewayPools(sql, id);
    const detail = { name, before, requireGatewayPools };
    await insertAudit(sql, { ...byHolder(holder), event: "ORGANISATION_UPDATE", detail }, now);
    return { id, name, requireGatewayPools };
  });
}

/**
 * The session that the request came with goes on in another organisation of the person.
 * @throws SallyportError NOT_FOUND, REQUEST_REFUSED for an API token, which belongs to one
 */
export async function switchOrganisation(core: Core, person: Person, idOrName: string): Promise<Membership> {
  const mine = await listOwnOrganisations(core, person);
  const to = mine.find(({ id }) => id === idOrName) ?? mine.find(({ name }) => name === idOrName);
  if (!to) {
    throw new SallyportError("NOT_FOUND", "You belong to no such organisation: ask there for an invitation.");
  }
  await core.store.transaction(async (sql) => {
    if (!(await moveSession(sql, person.tokenId, to.id))) {
      throw new SallyportError(
        "REQUEST_REFUSED",
        "An API token belongs to one organisation: log in with your password to switch.",
      );
    }
    const detail = { from: person.orgId };
    const entry = { ...byHolder(person), orgId: to.id, event: "USER_SWITCH_ORGANISATION", detail } as const;
    await insertAudit(sql, entry, core.now().toISOString());
    await holdersChanged(sql, person.orgId, core.now().toISOString());
  });
  return to;
}

function taken(name: string): SallyportError {
  return new SallyportError(
    "ALREADY_EXISTS",
    `There is an organisation named ${JSON.stringify(name)} already: choose another name.`,
  );
}
