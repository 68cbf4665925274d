import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import { deleteRelayTokens } from "../../store/enrollment-tokens.ts";
import { lockInstance } from "../../store/instance.ts";
import { lockOrganisation } from "../../store/people.ts";
import {
  changeRelay,
  countRelays,
  deleteRelay,
  findRelayView,
  insertRelay,
  listRelays,
  type RelayRow,
  type RelayView,
  revokeRelay,
} from "../../store/relays.ts";
import { byHolder, type Holder, isInstanceAdministrator } from "../actors.ts";
import { prepareAuthMethod, writeAuthMethod } from "../auth-methods/change.ts";
import type { AuthMethodWish } from "../auth-methods/settings.ts";
import { type Core, LIMITS } from "../core.ts";
import { emit } from "../events/events.ts";
import { runsAsIdentity } from "../identities/identity-agents.ts";
import { generateEnrollmentToken } from "../login/enrollment.ts";
import { holdRight } from "../people/held-rights.ts";

/** @throws SallyportError ALREADY_EXISTS, LIMIT_REACHED, NAME_INVALID, REQUEST_INVALID, FORBIDDEN */
export async function createRelay(
  core: Core,
  holder: Holder,
  request: { name: string; host: string; wish: AuthMethodWish; instance?: boolean | undefined },
): Promise<RelayView> {
  const { name, wish } = request;
  const orgId = request.instance ? null : holder.orgId;
  if (request.instance) requireInstanceRelay(holder, wish);
  else if (name.startsWith("infisical-")) {
    throw new SallyportError("NAME_INVALID", 'Names that begin with "infisical-" are for instance relays.');
  }
  const host = await core.hostRule.admit(request.host);
  const id = crypto.randomUUID();
  const authMethodId = crypto.randomUUID();
  const prepared = await prepareAuthMethod(core, wish, { orgId: holder.orgId, authMethodId });
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, holder.orgId, now);
    await holdRight(sql, holder, "create-relays");
    if (orgId === null) await lockInstance(sql);
    if ((await countRelays(sql, orgId)) >= LIMITS.relays) {
      const whose = orgId === null ? "The instance" : "An organisation";
      throw new SallyportError(
        "LIMIT_REACHED",
        `${whose} can have ${LIMITS.relays} relays: delete one first.`,
      );
    }
    const row = { id, orgId, name, host, sshPort: null, tlsPort: null, now };
    if (!(await insertRelay(sql, { ...row, authMethodId }))) {
      throw new SallyportError(
        "ALREADY_EXISTS",
        `There is a relay named ${name} already: choose another name.`,
      );
    }
    await writeAuthMethod(sql, authMethodId, prepared, now);
    const detail = { relayId: id, name, host, method: wish.method, managed: orgId === null };
    await insertAudit(sql, { ...byHolder(holder), event: "RELAY_CREATE", detail }, now);
  });
  return await getRelay(core, holder, id);
}

/** Instance relays too. @throws SallyportError NOT_FOUND, also for another organisation's */
export async function getRelay(core: Core, holder: Holder, id: string): Promise<RelayView> {
  return (await findRelayView(core.store.read, holder.orgId, id)) ?? missing();
}

/** Those that a gateway may choose when nobody has told it which. */
export async function listSelectableRelays(core: Core, orgId: string): Promise<RelayRow[]> {
  return (await listRelays(core.store.read, orgId)).filter((relay) => relay.auto_select === 1);
}

export async function listVisibleRelays(core: Core, orgId: string): Promise<RelayRow[]> {
  return await listRelays(core.store.read, orgId);
}

/** What is not given stays. @throws SallyportError NOT_FOUND, REQUEST_INVALID */
export async function updateRelay(
  core: Core,
  holder: Holder,
  id: string,
  change: { host?: string | undefined; autoSelect?: boolean | undefined },
): Promise<RelayView> {
  const relay = await getRelay(core, holder, id);
  if (change.host === undefined && change.autoSelect === undefined) return relay;
  await changeable(core, holder, id);
  const host = change.host === undefined ? relay.host : await core.hostRule.admit(change.host);
  const autoSelect = change.autoSelect ?? relay.auto_select === 1;
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await changeRelay(sql, { id, host, autoSelect, now });
    const detail = { relayId: id, name: relay.name, host, before: relay.host, autoSelect };
    await insertAudit(sql, { ...byHolder(holder), event: "RELAY_UPDATE", detail }, now);
  });
  return await getRelay(core, holder, id);
}

/** @throws SallyportError NOT_FOUND */
export async function removeRelay(core: Core, holder: Holder, id: string): Promise<RelayView> {
  const relay = await changeable(core, holder, id);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    if (!(await deleteRelay(sql, id, now))) missing();
    const detail = { relayId: id, name: relay.name, host: relay.host };
    await insertAudit(sql, { ...byHolder(holder), event: "RELAY_DELETE", detail }, now);
    await emit(sql, { orgId: relay.org_id, relayId: id }, [{ type: "relay.revoked", relayId: id }], now);
  });
  return relay;
}

/**
 * Asks a relay to take nothing new and end, and its gateways to move first (ACCEPTANCE F8).
 * @throws SallyportError NOT_FOUND
 */
export async function drainRelay(core: Core, holder: Holder, id: string): Promise<void> {
  const relay = await changeable(core, holder, id);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    const detail = { relayId: id, name: relay.name };
    await insertAudit(sql, { ...byHolder(holder), event: "RELAY_DRAIN", detail }, now);
    const event = { type: "relay.drain", relayId: id, relayName: relay.name } as const;
    await emit(sql, { orgId: relay.org_id, relayId: id }, [event], now);
  });
}

/** Makes every access and enrollment token of the relay worthless. @throws SallyportError NOT_FOUND */
export async function revokeRelayAccess(core: Core, holder: Holder, id: string): Promise<string> {
  const relay = await ownWithToken(core, holder, id);
  if (relay.method === "identity") throw runsAsIdentity("relay", relay.name);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await deleteRelayTokens(sql, id);
    if (!(await revokeRelay(sql, id, now))) missing();
    const detail = { resourceType: "relay", resourceId: id, name: relay.name };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_AUTH_METHOD_REVOKE", detail }, now);
    await emit(sql, { orgId: relay.orgId, relayId: id }, [{ type: "relay.revoked", relayId: id }], now);
  });
  return relay.method;
}

/** @throws SallyportError NOT_FOUND */
export async function generateRelayToken(
  core: Core,
  holder: Holder,
  id: string,
): Promise<{ token: string; expiresAt: string }> {
  const { name, authMethodId, method } = await ownWithToken(core, holder, id);
  return await generateEnrollmentToken(core, holder, { kind: "relay", id, name, authMethodId, method });
}

/** The organisation's own; of the instance's only for an instance administrator. Everybody else sees none there. */
async function changeable(core: Core, holder: Holder, id: string): Promise<RelayView> {
  const relay = await getRelay(core, holder, id);
  return relay.org_id !== null || isInstanceAdministrator(holder) ? relay : missing();
}

/** Instance relays that registered with the shared secret have no token of their own. */
async function ownWithToken(
  core: Core,
  holder: Holder,
  id: string,
): Promise<{ name: string; orgId: string | null; authMethodId: string; method: string }> {
  const relay = await changeable(core, holder, id);
  const { name, org_id: orgId, auth_method_id: authMethodId, auth_method: method } = relay;
  if (authMethodId === null || method === null) missing();
  return { name, orgId, authMethodId, method };
}

/** @throws SallyportError FORBIDDEN, REQUEST_INVALID */
function requireInstanceRelay(holder: Holder, wish: AuthMethodWish): void {
  if (!isInstanceAdministrator(holder)) {
    const text = "Relays of the instance are made by administrators of the whole instance only.";
    throw new SallyportError("FORBIDDEN", text);
  }
  if (wish.method === "token") return;
  throw new SallyportError("REQUEST_INVALID", "A relay of the instance is enrolled by a token.");
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such relay.");
}
