import { createHash } from "node:crypto";
import { insertAudit } from "../../store/audit.ts";
import {
  type AuthMethodRow,
  findAuthMethod,
  holdAuthMethod,
  isSignatureSpent,
  type ResourceKind,
  spendSignature,
} from "../../store/auth-methods.ts";
import type { Core } from "../core.ts";
import type { FailureLimiter } from "../login/failure-limiter.ts";
import { mintAccessToken, recordLogin } from "../login/record-login.ts";
import { judgePrincipal, requireAllowList, requireAudience } from "./aws-login.ts";
import { type AwsProof, readSignedCall, SIGNATURE_LIFE_MS } from "./aws-request.ts";
import { openReviewer } from "./change.ts";
import { judgeServiceAccount } from "./kubernetes-login.ts";
import { LoginRefused } from "./refused.ts";
import { readSettings } from "./settings.ts";
import { reviewToken } from "./token-review.ts";

/** What a gateway or a relay proves itself with, besides an enrollment token. */
export type Proof =
  | { method: "aws"; proof: AwsProof }
  | { method: "kubernetes"; jwt: string }
  | { method: "gcp" };

export interface MethodLogin {
  kind: ResourceKind;
  /** Of the gateway or the relay. */
  id: string;
  proof: Proof;
  /** Where from. */
  address: string;
}

/** Who it is, and what to remember of the proof. */
interface Identified {
  row: AuthMethodRow;
  who: Record<string, string>;
  /** Works once for this resource. */
  signatureHash?: string;
}

/**
 * A login by AWS or Kubernetes (PROTOCOL B, G): finds out who asks, lets the allow-lists of the gateway or relay decide
 * and mints an access token; the one before is worthless then. Failures are audited with their reason. A gateway that
 * does not exist and one that logs in otherwise are told apart by nothing.
 * @throws LoginRefused (401); SallyportError RATE_LIMITED
 */
export async function loginByMethod(
  core: Core,
  limiter: FailureLimiter,
  login: MethodLogin,
): Promise<{ accessToken: string; id: string }> {
  const { kind, id, address } = login;
  // Before anything is asked of anybody: whoever knows an id could make us call AWS or a cluster at will.
  limiter.attempt(address, id);
  const row = await findAuthMethod(core.store.read, kind, id);
  try {
    const identified = await identify(core, login, row);
    const result = await admit(core, login, identified);
    limiter.succeeded(address, id);
    return result;
  } catch (error) {
    if (error instanceof LoginRefused && row) await auditFailure(core, login, row, error);
    throw error;
  }
}

async function identify(core: Core, login: MethodLogin, row: AuthMethodRow | undefined): Promise<Identified> {
  const { proof } = login;
  if (proof.method === "aws") return await identifyByAws(core, login, proof.proof, row);
  if (proof.method === "kubernetes") return await identifyByKubernetes(core, login, proof.jwt, row);
  throw mismatch(login.kind);
}

async function identifyByAws(
  core: Core,
  { kind, id }: MethodLogin,
  proof: AwsProof,
  row: AuthMethodRow | undefined,
): Promise<Identified> {
  // First, so that what is wrong with a request says nothing about the gateway it is for.
  const call = readSignedCall(proof, core.now());
  if (row?.method !== "aws") throw mismatch(kind);
  const configured = readSettings(row.method, row.settings);
  if (configured?.method !== "aws") throw unconfigured();
  requireAudience(call.audience, configured.settings, { platformId: core.keyring.instanceId, id });
  const signatureHash = createHash("sha256").update(call.signature).digest("hex");
  if (await isSignatureSpent(core.store.read, signatureHash, id)) throw spent();
  requireAllowList(configured.settings);
  const principal = await core.sts.callerIdentity(call);
  return { row, signatureHash, who: judgePrincipal(principal, configured.settings) };
}

async function identifyByKubernetes(
  core: Core,
  { kind }: MethodLogin,
  jwt: string,
  row: AuthMethodRow | undefined,
): Promise<Identified> {
  if (row?.method !== "kubernetes") throw mismatch(kind);
  const configured = readSettings(row.method, row.settings);
  if (configured?.method !== "kubernetes") throw unconfigured();
  const { settings } = configured;
  const account = await reviewToken(core.hostRule.of("A Kubernetes API"), {
    place: settings,
    reviewer: (await openReviewer(core, row)) ?? jwt,
    presented: jwt,
    audience: settings.allowedAudience,
  });
  return { row, who: judgeServiceAccount(account, settings) };
}

/** The login itself, if nothing that it was judged by has changed meanwhile and its signature is still unspent. */
async function admit(
  core: Core,
  { kind, id, proof, address }: MethodLogin,
  { row, who, signatureHash }: Identified,
): Promise<{ accessToken: string; id: string }> {
  const tokenVersion = await core.store.transaction(async (sql) => {
    const now = core.now();
    if (!(await holdAuthMethod(sql, row.id, row.revision ?? ""))) throw mismatch(kind);
    if (signatureHash !== undefined) {
      // A date may lie as far in the future as in the past.
      const expiresAt = new Date(now.getTime() + 3 * SIGNATURE_LIFE_MS).toISOString();
      const signature = { hash: signatureHash, resourceId: id, expiresAt, now: now.toISOString() };
      if (!(await spendSignature(sql, signature))) throw spent();
    }
    const login = { kind, id, orgId: row.org_id, method: proof.method, address, who };
    const version = await recordLogin(sql, login, now.toISOString());
    if (version === undefined) throw mismatch(kind);
    return version;
  });
  return { accessToken: await mintAccessToken(core, { kind, id, orgId: row.org_id }, tokenVersion), id };
}

async function auditFailure(
  core: Core,
  { kind, id, proof, address }: MethodLogin,
  row: AuthMethodRow,
  error: LoginRefused,
): Promise<void> {
  const { reason: reasonCode, message, who } = error;
  const detail = { resourceType: kind, resourceId: id, method: proof.method, reasonCode, message, ...who };
  await core.store.transaction((sql) =>
    insertAudit(
      sql,
      {
        orgId: row.org_id,
        event: "RESOURCE_AUTH_METHOD_LOGIN_FAILED",
        actor: { type: kind, id, name: row.name },
        address,
        detail,
      },
      core.now().toISOString(),
    ),
  );
}

function mismatch(kind: ResourceKind): LoginRefused {
  return new LoginRefused("method_mismatch", `Invalid ${kind} credentials`);
}

function unconfigured(): LoginRefused {
  return new LoginRefused("config_missing", "Its login is not set up: save the settings of its method again");
}

function spent(): LoginRefused {
  return new LoginRefused("malformed_request", "The AWS login is refused: its signature was used before");
}
