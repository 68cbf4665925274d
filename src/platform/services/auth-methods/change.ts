import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import {
  type AuthMethodRow,
  findAuthMethod,
  type ResourceKind,
  storeAuthMethod,
} from "../../store/auth-methods.ts";
import type { Sql } from "../../store/database.ts";
import { findOrganisation } from "../../store/people.ts";
import { byHolder, type Holder } from "../actors.ts";
import type { Core } from "../core.ts";
import { runsAsIdentity } from "../identities/identity-agents.ts";
import type { Sealer } from "../keys/keyring.ts";
import { holdRight } from "../people/held-rights.ts";
import { probeKubernetes } from "./kubernetes-probe.ts";
import { type AuthMethodWish, type KubernetesSettings, readSettings } from "./settings.ts";

/** A wish that was checked, as it is stored. */
export interface PreparedAuthMethod {
  method: string;
  settings: string | null;
  sealedReviewerJwt: string | null;
}

/**
 * Checks a wish, a cluster by asking it, and seals what is secret in it. Talks to the network, so it comes before any
 * transaction.
 * @param authMethodId the row that it is for
 * @param current what that row holds; undefined for a new one
 * @throws SallyportError REQUEST_INVALID with what to change
 */
export async function prepareAuthMethod(
  core: Core,
  wish: AuthMethodWish,
  {
    orgId,
    authMethodId,
    current,
  }: { orgId: string; authMethodId: string; current?: AuthMethodRow | undefined },
): Promise<PreparedAuthMethod> {
  if (wish.method === "token") return { method: "token", settings: null, sealedReviewerJwt: null };
  if (wish.method === "aws") {
    const { method, ...settings } = wish;
    return { method, settings: JSON.stringify(settings), sealedReviewerJwt: null };
  }
  const { method, tokenReviewerJwt, ...settings } = wish;
  const sealer = await organisationSealer(core, orgId);
  const context = reviewerContext(authMethodId);
  const kept = tokenReviewerJwt ?? keptReviewer(settings, current, sealer, context) ?? "";
  await probeKubernetes(core.hostRule, settings, kept);
  const sealedReviewerJwt = kept === "" ? null : sealer.seal(Buffer.from(kept), context);
  return { method, settings: JSON.stringify(settings), sealedReviewerJwt };
}

/** Writes it into its row. */
export async function writeAuthMethod(
  sql: Sql,
  id: string,
  prepared: PreparedAuthMethod,
  now: string,
): Promise<boolean> {
  return await storeAuthMethod(sql, { id, ...prepared, now });
}

/**
 * Another way to log in, from the next login on: who is logged in stays so (PROTOCOL B).
 * @throws SallyportError NOT_FOUND, REQUEST_REFUSED for a machine identity's gateway, REQUEST_INVALID, FORBIDDEN
 */
export async function changeAuthMethod(
  core: Core,
  holder: Holder,
  { kind, id, wish }: { kind: ResourceKind; id: string; wish: AuthMethodWish },
): Promise<void> {
  const current = await findAuthMethod(core.store.read, kind, id);
  if (current?.org_id !== holder.orgId) missing(kind);
  if (current.method === "identity") {
    throw runsAsIdentity(kind, current.name);
  }
  const place = { orgId: holder.orgId, authMethodId: current.id, current };
  const prepared = await prepareAuthMethod(core, wish, place);
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    // A cluster may take its time to answer, and whoever wants this runs it.
    await holdRight(sql, holder, kind === "gateway" ? "edit-gateways" : "edit-relays");
    if (!(await writeAuthMethod(sql, current.id, prepared, now))) missing(kind);
    const detail = {
      resourceType: kind,
      resourceId: id,
      name: current.name,
      method: wish.method,
      before: current.method,
    };
    await insertAudit(sql, { ...byHolder(holder), event: "RESOURCE_AUTH_METHOD_UPDATE", detail }, now);
  });
}

/** The reviewer's token of a row; undefined = the presented token reviews itself. */
export async function openReviewer(core: Core, row: AuthMethodRow): Promise<string | undefined> {
  if (row.sealed_reviewer_jwt === null) return undefined;
  const sealer = await organisationSealer(core, row.org_id);
  return Buffer.from(sealer.open(row.sealed_reviewer_jwt, reviewerContext(row.id))).toString("utf8");
}

/** Only for the destination that it was given for: it must not be sent anywhere else. */
function keptReviewer(
  settings: KubernetesSettings,
  current: AuthMethodRow | undefined,
  sealer: Sealer,
  context: string,
): string | undefined {
  if (!current?.sealed_reviewer_jwt) return undefined;
  const before = readSettings(current.method, current.settings);
  if (before?.method !== "kubernetes") return undefined;
  const same = (["kubernetesHost", "caCertificate", "verifyTlsCertificate"] as const).every(
    (key) => before.settings[key] === settings[key],
  );
  if (!same) return undefined;
  return Buffer.from(sealer.open(current.sealed_reviewer_jwt, context)).toString("utf8");
}

async function organisationSealer(core: Core, orgId: string): Promise<Sealer> {
  const organisation = await findOrganisation(core.store.read, orgId);
  if (!organisation) throw new SallyportError("NOT_FOUND", "There is no such organisation.");
  return core.keyring.organisation(orgId, organisation.sealed_key);
}

function reviewerContext(authMethodId: string): string {
  return `token-reviewer/${authMethodId}`;
}

function missing(kind: ResourceKind): never {
  throw new SallyportError("NOT_FOUND", `There is no such ${kind}.`);
}
