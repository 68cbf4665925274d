import type { Migration } from "./migration.ts";

export const connectionInstances: Migration = {
  name: "connection-instances",
  statements: ["ALTER TABLE connections ADD COLUMN instance TEXT"],
};
