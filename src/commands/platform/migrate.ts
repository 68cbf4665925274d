import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { databaseArgs, databaseSettings } from "./flags.ts";

export default command({
  name: "migrate",
  description: "Bring the database forward to this program's version, without starting the platform",
  args: { ...databaseArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const settings = await databaseSettings(args);
    const { migrateDatabase } = await import("../../platform/migrate-database.ts");
    const { dialect, steps } = await migrateDatabase(settings);
    if (args.json) return printJson({ database: dialect, steps });
    printLine(steps.length === 0 ? "The database is up to date." : `Brought forward: ${steps.join(", ")}.`);
  },
});
