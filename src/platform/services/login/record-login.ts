import { SallyportError } from "../../../telemetry/error.ts";
import { type AuditEntry, insertAudit } from "../../store/audit.ts";
import type { ResourceKind } from "../../store/auth-methods.ts";
import type { Sql } from "../../store/database.ts";
import { raiseGatewayVersion } from "../../store/gateways.ts";
import { raiseRelayVersion } from "../../store/relays.ts";
import type { Core } from "../core.ts";
import { emit } from "../events/events.ts";

/** Who logged in, and how. */
export interface Login {
  kind: ResourceKind;
  id: string;
  /** null = a relay of the instance. */
  orgId: string | null;
  method: string;
  /** Where from. */
  address: string;
  /** What else the audit log is to hold. */
  who?: AuditEntry["detail"];
}

/**
 * What every login does, in the caller's transaction: raises the version, so every earlier access token is worthless and
 * the last login wins (PROTOCOL B), and says so.
 * @returns the new version; undefined = there is no such gateway or relay any more
 */
export async function recordLogin(sql: Sql, login: Login, now: string): Promise<number | undefined> {
  const { kind, id, orgId, method, address, who } = login;
  const raised = await (kind === "gateway" ? raiseGatewayVersion : raiseRelayVersion)(sql, id, now);
  if (!raised) return undefined;
  await insertAudit(
    sql,
    {
      orgId,
      event: "RESOURCE_AUTH_METHOD_LOGIN",
      actor: { type: kind, id, name: raised.name },
      address,
      detail: { resourceType: kind, resourceId: id, method, ...who },
    },
    now,
  );
  const generation = raised.token_version;
  if (kind === "gateway" && generation > 1) {
    await emit(sql, { orgId, gatewayId: id }, [{ type: "gateway.rotated", gatewayId: id, generation }], now);
  }
  return generation;
}

/** The access token for that version; not to be called in a transaction. */
export async function mintAccessToken(
  core: Core,
  { kind, id, orgId }: Pick<Login, "kind" | "id" | "orgId">,
  tokenVersion: number,
): Promise<string> {
  const { accessTokens } = core;
  if (kind === "relay") {
    return await accessTokens.mint({ authTokenType: "relayAccessToken", relayId: id, orgId, tokenVersion });
  }
  if (orgId === null) throw new SallyportError("INTERNAL", "A gateway belongs to no organisation.");
  return await accessTokens.mint({ authTokenType: "gatewayAccessToken", gatewayId: id, orgId, tokenVersion });
}
