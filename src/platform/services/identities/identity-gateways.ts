import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import { countGateways, findOwnGateway, insertGateway } from "../../store/gateways.ts";
import { type AgentRow, attachGateway, findGatewayOf } from "../../store/identity-agents.ts";
import { lockOrganisation } from "../../store/people.ts";
import { type Actor, byHolder, type GatewayActor, type IdentityActor } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import {
  connectGateway,
  type GatewayConnectAnswer,
  type GatewayConnectRequest,
} from "../gateways/gateway-connect.ts";

/**
 * Registers the one gateway that a machine identity is, or renews its certificates (PROTOCOL A.1, 4): the first call
 * makes it, a later one with another name renames it.
 * @throws SallyportError REQUEST_INVALID without a name or a wish for relays, ALREADY_EXISTS, LIMIT_REACHED, NOT_FOUND
 */
export async function registerGateway(
  core: Core,
  identity: IdentityActor,
  request: GatewayConnectRequest & { name?: string | undefined },
): Promise<GatewayConnectAnswer> {
  const { name, ...wish } = request;
  if (name === undefined) throw new SallyportError("REQUEST_INVALID", "Give the gateway a name.");
  if (wish.relayName === undefined && wish.relayNames === undefined && wish.maxRelays === undefined) {
    throw new SallyportError("REQUEST_INVALID", "Name a relay: a machine identity's gateway needs one.");
  }
  const { id, token_version: tokenVersion } = await ownGateway(core, identity, name);
  const { orgId, address } = identity;
  return await connectGateway(core, { kind: "gateway", gatewayId: id, orgId, tokenVersion, address }, wish);
}

/**
 * The gateway that makes a request: by its own token, or as the machine identity that it runs as.
 * @throws SallyportError NOT_FOUND when that has not registered one, FORBIDDEN
 */
export async function requireGatewayOf(core: Core, actor: Actor): Promise<GatewayActor> {
  if (actor.kind === "gateway") return actor;
  if (actor.kind !== "identity") throw new SallyportError("FORBIDDEN", "This call is for gateways.");
  const row = await findGatewayOf(core.store.read, actor.identityId);
  if (!row) {
    throw new SallyportError("NOT_FOUND", "This machine identity has no gateway: register it first.");
  }
  const { orgId, address } = actor;
  return { kind: "gateway", gatewayId: row.id, orgId, tokenVersion: row.token_version, address };
}

async function ownGateway(core: Core, identity: IdentityActor, name: string): Promise<AgentRow> {
  const { orgId, identityId, secretId } = identity;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    const present = await findGatewayOf(sql, identityId);
    const namesake = await findOwnGateway(sql, orgId, name);
    if (namesake?.name === name && namesake.id !== present?.id) {
      throw new SallyportError(
        "ALREADY_EXISTS",
        `There is a gateway named ${name} already, which is not this machine identity's: choose another name.`,
      );
    }
    const id = present?.id ?? crypto.randomUUID();
    if (!present) {
      if ((await countGateways(sql, orgId)) >= LIMITS.gateways) {
        throw new SallyportError(
          "LIMIT_REACHED",
          `An organisation can have ${LIMITS.gateways} gateways: delete one first.`,
        );
      }
      await insertGateway(sql, { id, orgId, name, authMethodId: crypto.randomUUID(), now });
      const detail = { gatewayId: id, name };
      await insertAudit(sql, { ...byHolder(identity), event: "GATEWAY_CREATE", detail }, now);
    }
    await attachGateway(sql, { id, name, identityId, secretId, now });
    return { id, name, token_version: present?.token_version ?? 0 };
  });
}
