import { randomBytes } from "node:crypto";
import { z } from "zod";
import { SallyportError } from "../../../telemetry/error.ts";
import {
  countDestinations,
  type DestinationRow,
  deleteDestination,
  findOwnDestination,
  insertDestination,
  listDestinations,
} from "../../store/alert-destinations.ts";
import { insertAudit } from "../../store/audit.ts";
import type { Sql } from "../../store/database.ts";
import { findOrganisation, lockOrganisation } from "../../store/people.ts";
import { byHolder, type Holder } from "../actors.ts";
import { type Core, LIMITS } from "../core.ts";
import { ALERT_RULES, type AlertRule } from "./rules.ts";
import { webhookUrl } from "./webhook.ts";

export interface NewDestination {
  name: string;
  rules: AlertRule[];
  afterSeconds: number;
  /** `log` = a line in the platform's log. */
  to: { kind: "log" } | { kind: "webhook"; url: string; caCertificate?: string | undefined };
}

const rules = z.array(z.enum(ALERT_RULES)).catch([]);

export function readRules(row: Pick<DestinationRow, "rules">): AlertRule[] {
  return rules.parse(JSON.parse(row.rules));
}

export async function listOwnDestinations(core: Core, holder: Holder): Promise<DestinationRow[]> {
  return await listDestinations(core.store.read, holder.orgId);
}

/** By id or name. @throws SallyportError NOT_FOUND */
export async function getDestination(core: Core, holder: Holder, idOrName: string): Promise<DestinationRow> {
  return (await findOwnDestination(core.store.read, holder.orgId, idOrName)) ?? missing();
}

/**
 * @returns with a webhook its secret, which is not shown again
 * @throws SallyportError ALREADY_EXISTS, LIMIT_REACHED, REQUEST_INVALID
 */
export async function createDestination(
  core: Core,
  holder: Holder,
  wanted: NewDestination,
): Promise<{ row: DestinationRow; secret: string | undefined }> {
  const { name, to } = wanted;
  const id = crypto.randomUUID();
  const secret = to.kind === "webhook" ? `sps_${randomBytes(32).toString("base64url")}` : undefined;
  if (to.kind === "webhook") await core.hostRule.of("A webhook").admit(webhookUrl(to.url).hostname);
  const sealed = secret === undefined ? null : await seal(core, holder.orgId, id, secret);
  const now = core.now().toISOString();
  const row: DestinationRow = {
    id,
    org_id: holder.orgId,
    name,
    kind: to.kind,
    url: to.kind === "webhook" ? to.url : null,
    ca_certificate: to.kind === "webhook" ? (to.caCertificate ?? null) : null,
    sealed_secret: sealed,
    rules: JSON.stringify(wanted.rules),
    after_seconds: wanted.afterSeconds,
    created_at: now,
    updated_at: now,
  };
  await core.store.transaction((sql) => insert(sql, row, holder));
  return { row, secret };
}

/** @throws SallyportError NOT_FOUND */
export async function removeDestination(
  core: Core,
  holder: Holder,
  idOrName: string,
): Promise<DestinationRow> {
  const row = await getDestination(core, holder, idOrName);
  await core.store.transaction(async (sql) => {
    if (!(await deleteDestination(sql, holder.orgId, row.id))) missing();
    const detail = { destinationId: row.id, name: row.name };
    const entry = { ...byHolder(holder), event: "ALERT_DESTINATION_DELETE", detail } as const;
    await insertAudit(sql, entry, core.now().toISOString());
  });
  return row;
}

/** What a webhook's receiver checks signatures with. */
export async function secretOf(core: Core, row: DestinationRow): Promise<string> {
  const organisation = await findOrganisation(core.store.read, row.org_id);
  if (!organisation || row.sealed_secret === null) missing();
  const sealer = core.keyring.organisation(row.org_id, organisation.sealed_key);
  return Buffer.from(sealer.open(row.sealed_secret, sealingContext(row.id))).toString("utf8");
}

async function insert(sql: Sql, row: DestinationRow, holder: Holder): Promise<void> {
  await lockOrganisation(sql, row.org_id, row.created_at);
  if ((await countDestinations(sql, row.org_id)) >= LIMITS.alertDestinations) {
    throw new SallyportError(
      "LIMIT_REACHED",
      `An organisation can have ${LIMITS.alertDestinations} alert destinations: delete one first.`,
    );
  }
  if (!(await insertDestination(sql, row))) {
    throw new SallyportError(
      "ALREADY_EXISTS",
      `There is an alert destination named ${row.name} already: choose another name.`,
    );
  }
  const detail = { destinationId: row.id, name: row.name, kind: row.kind };
  await insertAudit(sql, { ...byHolder(holder), event: "ALERT_DESTINATION_CREATE", detail }, row.created_at);
}

async function seal(core: Core, orgId: string, id: string, secret: string): Promise<string> {
  const organisation = await findOrganisation(core.store.read, orgId);
  if (!organisation) missing();
  return core.keyring
    .organisation(orgId, organisation.sealed_key)
    .seal(Buffer.from(secret), sealingContext(id));
}

function sealingContext(id: string): string {
  return `alert-destination/${id}`;
}

function missing(): never {
  throw new SallyportError("NOT_FOUND", "There is no such alert destination.");
}
