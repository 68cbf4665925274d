import type { Migration } from "./migration.ts";

export const gatewayPools: Migration = {
  name: "gateway-pools",
  statements: [
    `CREATE TABLE gateway_pools (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      UNIQUE (org_id, name)
    )`,
    `CREATE TABLE gateway_pool_memberships (
      id TEXT PRIMARY KEY,
      pool_id TEXT NOT NULL REFERENCES gateway_pools (id) ON DELETE CASCADE,
      gateway_id TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
      created_at TEXT NOT NULL,
      UNIQUE (pool_id, gateway_id)
    )`,
    "CREATE INDEX gateway_pool_memberships_gateway ON gateway_pool_memberships (gateway_id)",
    // `covers_until`: what was handed out before is in the count, what came later is not.
    `CREATE TABLE gateway_loads (
      gateway_id TEXT PRIMARY KEY REFERENCES gateways (id) ON DELETE CASCADE,
      active_channels INTEGER NOT NULL,
      reported_at TEXT NOT NULL,
      covers_until TEXT NOT NULL
    )`,
    `CREATE TABLE gateway_reservations (
      id TEXT PRIMARY KEY,
      gateway_id TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
      claimed_at TEXT NOT NULL
    )`,
    "CREATE INDEX gateway_reservations_gateway ON gateway_reservations (gateway_id, claimed_at)",
    `CREATE TABLE gateway_suspicions (
      gateway_id TEXT PRIMARY KEY REFERENCES gateways (id) ON DELETE CASCADE,
      failed_at TEXT NOT NULL
    )`,
    // A resource is behind a gateway or behind a pool: `gateway_id` may be null from now on.
    "ALTER TABLE resources ADD COLUMN behind_id TEXT REFERENCES gateways (id)",
    "UPDATE resources SET behind_id = gateway_id",
    "DROP INDEX resources_gateway",
    "ALTER TABLE resources DROP COLUMN gateway_id",
    "ALTER TABLE resources RENAME COLUMN behind_id TO gateway_id",
    `ALTER TABLE resources ADD COLUMN pool_id TEXT REFERENCES gateway_pools (id)
      CHECK ((gateway_id IS NULL) <> (pool_id IS NULL))`,
    "CREATE INDEX resources_gateway ON resources (gateway_id)",
    "CREATE INDEX resources_pool ON resources (pool_id)",
    "ALTER TABLE organisations ADD COLUMN require_gateway_pools INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE relays ADD COLUMN auto_select INTEGER NOT NULL DEFAULT 1",
  ],
};
