import type { CoreOptions } from "./open-core.ts";
import { openDataDirectory } from "./open-core.ts";
import { migrate } from "./store/migrate.ts";

/** What `platform start` does first, by itself. @returns the steps taken */
export async function migrateDatabase(
  options: Pick<CoreOptions, "dataDir" | "databaseUrl">,
): Promise<{ dialect: "sqlite" | "postgres"; steps: string[] }> {
  const store = await openDataDirectory(options);
  try {
    return { dialect: store.dialect, steps: await migrate(store) };
  } finally {
    await store.close();
  }
}
