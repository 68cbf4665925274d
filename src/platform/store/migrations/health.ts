import type { Migration } from "./migration.ts";

export const health: Migration = {
  name: "health",
  statements: [
    // One row for each gateway and relay: what was last said of it, and when to look again.
    `CREATE TABLE health (
      subject_id TEXT PRIMARY KEY,
      gateway_id TEXT UNIQUE REFERENCES gateways (id) ON DELETE CASCADE,
      relay_id TEXT UNIQUE REFERENCES relays (id) ON DELETE CASCADE,
      status TEXT NOT NULL,
      since TEXT NOT NULL,
      conditions TEXT NOT NULL,
      due_at TEXT NOT NULL,
      probe_due_at TEXT,
      probe_failures INTEGER NOT NULL DEFAULT 0,
      certificate_from TEXT,
      certificate_until TEXT,
      revoked_at TEXT,
      CHECK ((gateway_id IS NULL) <> (relay_id IS NULL))
    )`,
    "CREATE INDEX health_due ON health (due_at)",
    "CREATE INDEX health_probe_due ON health (probe_due_at)",
    `INSERT INTO health (subject_id, gateway_id, status, since, conditions, due_at)
      SELECT id, id, 'unregistered', created_at, '[]', created_at FROM gateways`,
    `INSERT INTO health (subject_id, relay_id, status, since, conditions, due_at)
      SELECT id, id, 'unregistered', created_at, '[]', created_at FROM relays`,
    // The platform's own look at every way: of a gateway the relays' ids, of a relay "tls" and "ssh".
    `CREATE TABLE probe_outcomes (
      subject_id TEXT NOT NULL REFERENCES health (subject_id) ON DELETE CASCADE,
      way TEXT NOT NULL,
      checked_at TEXT NOT NULL,
      since TEXT NOT NULL,
      code TEXT,
      text TEXT,
      PRIMARY KEY (subject_id, way)
    )`,
    // What gateways and relays say of themselves, each process for itself.
    `CREATE TABLE agent_reports (
      subject_id TEXT NOT NULL REFERENCES health (subject_id) ON DELETE CASCADE,
      instance TEXT NOT NULL,
      first_at TEXT NOT NULL,
      last_at TEXT NOT NULL,
      version TEXT,
      skew_ms INTEGER,
      conditions TEXT NOT NULL,
      PRIMARY KEY (subject_id, instance)
    )`,
    // What only one replica does at a time.
    `CREATE TABLE leases (
      name TEXT PRIMARY KEY,
      holder TEXT NOT NULL,
      expires_at TEXT NOT NULL,
      since TEXT NOT NULL
    )`,
  ],
};
