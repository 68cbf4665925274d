import type { Store } from "../../src/platform/store/database.ts";

export interface Crowd {
  gateways: number;
  /** PROTOCOL A.3 lets an organisation have 50. */
  perOrganisation: number;
}

const RELAYS = 10;

/** Of the nth gateway, from 0. */
export function gatewayId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
}

/** Of the nth organisation, from 0: it has the gateways from n * perOrganisation on. */
export function organisationId(n: number): string {
  return `00000000-0000-4000-9000-${String(n).padStart(12, "0")}`;
}

const id = (kind: string, n: string) =>
  `'00000000-0000-4000-${kind}-' || substr(CAST(1000000000000 + ${n} AS TEXT), 2)`;

/**
 * Rows as so many gateways leave them: each with tunnels at two of ten instance relays, a health, a report of its own,
 * what the platform saw through both relays, a resource, and a past in the audit logs. Their organisations exist.
 */
export async function insertCrowd(store: Store, { gateways, perOrganisation }: Crowd): Promise<void> {
  const now = new Date().toISOString();
  const later = new Date(Date.now() + 600_000).toISOString();
  const series = (last: number) =>
    `WITH RECURSIVE series (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n < ${last - 1})`;
  const gateway = id("8000", "n");
  const relay = (n: string) => id("a000", `(${n}) % ${RELAYS}`);
  const both = "(SELECT 0 AS k UNION ALL SELECT 1) ways";
  await store.migrate(async (run) => {
    await run(`${series(RELAYS)}
      INSERT INTO relays (id, org_id, name, host, heartbeat, token_version, created_at, updated_at)
      SELECT ${relay("n")}, NULL, 'infisical-' || n, '203.0.113.7', '${now}', 1, '${now}', '${now}' FROM series`);
    await run(`INSERT INTO relay_leases (relay_id, expires_at) SELECT id, '${later}' FROM relays`);
    await run(`${series(gateways)}
      INSERT INTO gateways (id, org_id, name, relay_id, heartbeat, heartbeat_ttl, token_version, created_at, updated_at)
      SELECT ${gateway}, ${id("9000", `n / ${perOrganisation}`)}, 'site-' || n, ${relay("n")}, '${now}', 180, 1,
        '${now}', '${now}' FROM series`);
    await run(`${series(gateways)}
      INSERT INTO auth_methods (id, gateway_id, method, created_at, updated_at)
      SELECT ${id("b000", "n")}, ${gateway}, 'token', '${now}', '${now}' FROM series`);
    await run(`${series(gateways)}
      INSERT INTO gateway_relays (gateway_id, relay_id, position)
      SELECT ${gateway}, ${relay("n + k")}, k FROM series, ${both}`);
    await run(`INSERT INTO relay_tunnels (relay_id, gateway_id, generation, since)
      SELECT relay_id, gateway_id, 1, '${now}' FROM gateway_relays`);
    await run(`INSERT INTO health (subject_id, gateway_id, status, since, conditions, due_at, probe_due_at)
      SELECT id, id, 'healthy', '${now}', '[]', '${later}', '${later}' FROM gateways`);
    await run(`INSERT INTO health (subject_id, relay_id, status, since, conditions, due_at, probe_due_at)
      SELECT id, id, 'healthy', '${now}', '[]', '${later}', '${later}' FROM relays`);
    await run(`INSERT INTO probe_outcomes (subject_id, way, checked_at, since)
      SELECT gateway_id, relay_id, '${now}', '${now}' FROM gateway_relays`);
    await run(`INSERT INTO agent_reports (subject_id, instance, first_at, last_at, version, skew_ms, conditions)
      SELECT id, 'a process', '${now}', '${now}', '0.1.0', 0, '[]' FROM gateways`);
    await run(`INSERT INTO resources (id, org_id, gateway_id, name, host, port, kind, created_at, updated_at)
      SELECT id, org_id, id, name, 'db.internal', 5432, 'postgres', '${now}', '${now}' FROM gateways`);
    // A past: ten entries and ten connections of each, all of yesterday.
    const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
    const ten =
      "(WITH RECURSIVE ten (k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM ten WHERE k < 9) SELECT k FROM ten) past";
    const time = `'${yesterday}T' || substr(CAST(100 + (k * 7) % 24 AS TEXT), 2) || ':00:00.' || substr(CAST(1000 + n % 1000 AS TEXT), 2) || 'Z'`;
    const numbered = (kind: string) => id(kind, "(n * 10 + k)");
    const org = id("9000", `n / ${perOrganisation}`);
    await run(`${series(gateways)}
      INSERT INTO audit_log (id, org_id, created_at, event, actor_type, actor_name, detail)
      SELECT ${numbered("8100")}, ${org}, ${time}, 'RESOURCE_ACCESS', 'user', 'ann@example.com', '{}' FROM series, ${ten}`);
    await run(`${series(gateways)}
      INSERT INTO connections (id, org_id, gateway_id, gateway_name, serial, mode, actor_type, target, opened_at, closed_at)
      SELECT ${numbered("8200")}, ${org}, ${gateway}, 'site-' || n, 'a serial', 'tcp', 'user', 'db.internal:5432', ${time}, ${time}
      FROM series, ${ten}`);
    await run("ANALYZE");
  });
}
