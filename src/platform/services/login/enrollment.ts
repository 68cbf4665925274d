import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import { holdMethod, type ResourceKind as Kind } from "../../store/auth-methods.ts";
import type { Sql } from "../../store/database.ts";
import {
  consumeEnrollmentToken,
  type EnrollmentTokenRow,
  findEnrollmentToken,
  storeEnrollmentToken,
} from "../../store/enrollment-tokens.ts";
import { byHolder, type Holder } from "../actors.ts";
import type { Core } from "../core.ts";
import { holdRight } from "../people/held-rights.ts";
import type { FailureLimiter } from "./failure-limiter.ts";
import { hashOpaqueToken, mintOpaqueToken } from "./opaque-tokens.ts";
import { mintAccessToken, recordLogin } from "./record-login.ts";

const TTL_SECONDS = 3600;

interface Redeemed {
  accessToken: string;
  /** Of the gateway or the relay. */
  id: string;
}

/**
 * A new enrollment token for a gateway or a relay, in the caller's transaction. The one before it is worthless from
 * now on; a running gateway keeps its access until the new one is redeemed (PROTOCOL A.4).
 */
async function mintEnrollmentToken(
  sql: Sql,
  owner: { orgId: string; authMethodId: string },
  now: Date,
): Promise<{ token: string; tokenId: string; expiresAt: string }> {
  const token = mintOpaqueToken("gwe_");
  const tokenId = crypto.randomUUID();
  const expiresAt = new Date(now.getTime() + TTL_SECONDS * 1000).toISOString();
  await storeEnrollmentToken(sql, {
    id: tokenId,
    ...owner,
    tokenHash: token.hash,
    ttlSeconds: TTL_SECONDS,
    expiresAt,
    now: now.toISOString(),
  });
  return { token: token.plain, tokenId, expiresAt };
}

/**
 * A new enrollment token that a person asked for.
 * @throws SallyportError REQUEST_REFUSED for what logs in otherwise (PROTOCOL A.3), FORBIDDEN, NOT_FOUND
 */
export async function generateEnrollmentToken(
  core: Core,
  holder: Holder,
  agent: { kind: Kind; id: string; name: string; authMethodId: string; method: string },
): Promise<{ token: string; expiresAt: string }> {
  const { kind, id, name, authMethodId } = agent;
  const requireToken = (method: string) => {
    if (method === "token") return;
    throw new SallyportError(
      "REQUEST_REFUSED",
      `The ${kind} ${name} logs in by ${method}, not by a token: change its authentication method first.`,
    );
  };
  requireToken(agent.method);
  return await core.store.transaction(async (sql) => {
    const now = core.now();
    await holdRight(sql, holder, kind === "gateway" ? "edit-gateways" : "edit-relays");
    // Changed a moment ago, it must not be opened by a token all the same.
    const method = await holdMethod(sql, authMethodId);
    if (method === undefined) throw new SallyportError("NOT_FOUND", `There is no such ${kind}.`);
    requireToken(method);
    const { token, tokenId, expiresAt } = await mintEnrollmentToken(
      sql,
      { orgId: holder.orgId, authMethodId },
      now,
    );
    const event = kind === "gateway" ? "GATEWAY_ENROLLMENT_TOKEN_CREATE" : "RELAY_ENROLLMENT_TOKEN_CREATE";
    const detail = { tokenId, [`${kind}Id`]: id, name };
    await insertAudit(sql, { ...byHolder(holder), event, detail }, now.toISOString());
    return { token, expiresAt };
  });
}

/**
 * Trades an enrollment token for an access token, once. Raises the version, so every earlier access token of this
 * gateway or relay is worthless: the last login wins (PROTOCOL B). A token of another kind is left unspent.
 * @throws SallyportError ENROLLMENT_TOKEN_INVALID, RATE_LIMITED
 */
export async function redeemEnrollmentToken(
  core: Core,
  limiter: FailureLimiter,
  request: { kind: Kind; token: string; address: string },
): Promise<Redeemed> {
  const { kind, address } = request;
  const tokenHash = hashOpaqueToken(request.token);
  const row = await findEnrollmentToken(core.store.read, tokenHash);
  const owner = row?.gateway_id ?? row?.relay_id;
  if (!row || !owner) throw limiter.failed(address, `unknown ${kind}`, refuse("Invalid enrollment token"));
  const isFor: Kind = row.gateway_id === null ? "relay" : "gateway";
  if (isFor !== kind) {
    throw limiter.failed(address, owner, refuse(`Enrollment token belongs to a ${isFor}, not a ${kind}`));
  }
  const tokenVersion = await consume(core, row, { kind, owner, tokenHash, address });
  if (typeof tokenVersion !== "number") throw limiter.failed(address, owner, tokenVersion);
  const redeemed = { kind, id: owner, orgId: row.org_id };
  return { accessToken: await mintAccessToken(core, redeemed, tokenVersion), id: owner };
}

/** The new version, or why there is none. An expired token is deleted on the way. */
async function consume(
  core: Core,
  row: EnrollmentTokenRow,
  request: { kind: Kind; owner: string; tokenHash: string; address: string },
): Promise<number | SallyportError> {
  const { kind, owner, tokenHash, address } = request;
  return await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    if (!(await consumeEnrollmentToken(sql, row.id, tokenHash))) {
      return refuse("Enrollment token has already been used");
    }
    if (row.expires_at <= now) return refuse("Enrollment token has expired");
    const login = { kind, id: owner, orgId: row.org_id, method: "token", address };
    return (await recordLogin(sql, login, now)) ?? refuse("Invalid enrollment token");
  });
}

function refuse(reason: string): SallyportError {
  return new SallyportError(
    "ENROLLMENT_TOKEN_INVALID",
    `${reason}. Generate a new deploy command and use its token within the hour.`,
  );
}
