import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import { type AgentRow, attachRelay, findRelayOf } from "../../store/identity-agents.ts";
import { lockOrganisation } from "../../store/people.ts";
import { countRelays, insertRelay } from "../../store/relays.ts";
import { type Actor, byHolder, type IdentityActor, type RelayActor } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { connectRelay, type RelayConnectAnswer, type RelayConnectRequest } from "../relays/relay-connect.ts";
import { requireFreeHost } from "../relays/relay-hosts.ts";

/**
 * Registers the one relay that a machine identity is, or renews its certificates (PROTOCOL A.2, v1): its name and host
 * stay those of the first time.
 * @throws SallyportError REQUEST_REFUSED, ALREADY_EXISTS, CONFLICT for another relay's host, LIMIT_REACHED, NAME_INVALID, REQUEST_INVALID
 */
export async function registerRelay(
  core: Core,
  identity: IdentityActor,
  request: RelayConnectRequest & { name: string; host: string },
): Promise<RelayConnectAnswer> {
  const { name, host: wanted, ...extensions } = request;
  if (name.startsWith("infisical-")) {
    throw new SallyportError("NAME_INVALID", 'Names that begin with "infisical-" are for instance relays.');
  }
  const host = await core.hostRule.admit(wanted);
  const { id: relayId, token_version: tokenVersion } = await ownRelay(core, identity, { name, host });
  const { orgId, address } = identity;
  return await connectRelay(core, { kind: "relay", relayId, orgId, tokenVersion, address }, extensions);
}

/**
 * The relay that makes a request: by its own token, or as the machine identity that it runs as.
 * @throws SallyportError NOT_FOUND when that has not registered one, FORBIDDEN
 */
export async function requireRelayOf(core: Core, actor: Actor): Promise<RelayActor> {
  if (actor.kind === "relay") return actor;
  if (actor.kind !== "identity") throw new SallyportError("FORBIDDEN", "This call is for relays.");
  const row = await findRelayOf(core.store.read, actor.identityId);
  if (!row) throw new SallyportError("NOT_FOUND", "This machine identity has no relay: register it first.");
  const { orgId, address } = actor;
  return { kind: "relay", relayId: row.id, orgId, tokenVersion: row.token_version, address };
}

async function ownRelay(
  core: Core,
  identity: IdentityActor,
  { name, host }: { name: string; host: string },
): Promise<AgentRow> {
  const { orgId, identityId, secretId } = identity;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await lockOrganisation(sql, orgId, now);
    const present = await findRelayOf(sql, identityId);
    if (present && (present.name !== name || present.host !== host)) {
      throw new SallyportError(
        "REQUEST_REFUSED",
        `This machine identity is the relay ${present.name} at ${present.host}: delete that one, or use another machine identity.`,
      );
    }
    const id = present?.id ?? crypto.randomUUID();
    if (!present) {
      if ((await countRelays(sql, orgId)) >= LIMITS.relays) {
        throw new SallyportError(
          "LIMIT_REACHED",
          `An organisation can have ${LIMITS.relays} relays: delete one first.`,
        );
      }
      await requireFreeHost(sql, orgId, host);
      const row = { id, orgId, name, host, sshPort: null, tlsPort: null, now };
      if (!(await insertRelay(sql, { ...row, authMethodId: crypto.randomUUID() }))) {
        throw new SallyportError(
          "ALREADY_EXISTS",
          `There is a relay named ${name} already, which is not this machine identity's: choose another name.`,
        );
      }
      const detail = { relayId: id, name, host };
      await insertAudit(sql, { ...byHolder(identity), event: "RELAY_CREATE", detail }, now);
    }
    await attachRelay(sql, { id, identityId, secretId, now });
    return { id, name, token_version: present?.token_version ?? 0 };
  });
}
