import type { Migration } from "./migration.ts";

export const events: Migration = {
  name: "events",
  statements: [
    // A row that every writer of events updates: its lock is held until the writer commits.
    `CREATE TABLE event_counter (
      singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
      last_id BIGINT NOT NULL
    )`,
    "INSERT INTO event_counter (singleton, last_id) VALUES (1, 0)",
    `CREATE TABLE events (
      id BIGINT PRIMARY KEY,
      created_at TEXT NOT NULL,
      type TEXT NOT NULL,
      org_id TEXT,
      gateway_id TEXT,
      relay_id TEXT,
      relay_audience TEXT NOT NULL,
      data TEXT NOT NULL
    )`,
    "CREATE INDEX events_created ON events (created_at)",
    // The certificates of one access answer end together, whichever end they are shown to.
    "ALTER TABLE issued_certificates ADD COLUMN access_id TEXT",
    "ALTER TABLE issued_certificates ADD COLUMN grant_id TEXT",
    "ALTER TABLE issued_certificates ADD COLUMN ended_at TEXT",
    "CREATE INDEX issued_certificates_access ON issued_certificates (access_id)",
    "CREATE INDEX issued_certificates_resource ON issued_certificates (resource_id)",
    "CREATE INDEX issued_certificates_ended ON issued_certificates (ended_at)",
  ],
};
