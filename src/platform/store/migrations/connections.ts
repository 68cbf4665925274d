import type { Migration } from "./migration.ts";

export const connections: Migration = {
  name: "connections",
  statements: [
    `CREATE TABLE connections (
      id TEXT PRIMARY KEY,
      org_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
      gateway_id TEXT NOT NULL,
      gateway_name TEXT NOT NULL,
      resource_id TEXT,
      resource_name TEXT,
      grant_id TEXT,
      access_id TEXT,
      serial TEXT NOT NULL,
      mode TEXT NOT NULL,
      actor_type TEXT NOT NULL,
      actor_id TEXT,
      actor_name TEXT,
      target TEXT NOT NULL,
      opened_at TEXT NOT NULL,
      closed_at TEXT,
      bytes_up DOUBLE PRECISION,
      bytes_down DOUBLE PRECISION,
      duration_ms DOUBLE PRECISION,
      cause TEXT
    )`,
    "CREATE INDEX connections_org ON connections (org_id, opened_at)",
    "CREATE INDEX connections_gateway ON connections (gateway_id, closed_at)",
    "CREATE INDEX connections_access ON connections (access_id)",
  ],
};
