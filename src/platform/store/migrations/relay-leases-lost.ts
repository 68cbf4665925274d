import type { Migration } from "./migration.ts";

export const relayLeasesLost: Migration = {
  name: "relay-leases-lost",
  statements: ["ALTER TABLE relay_leases ADD COLUMN lost_at TEXT"],
};
