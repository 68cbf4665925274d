import { resolve } from "node:path";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { Progress } from "../progress.ts";
import { databaseArgs, databaseSettings } from "./flags.ts";

export default command({
  name: "restore",
  description: "Fill an empty database, SQLite or PostgreSQL, from a backup of either; needs its root key",
  args: {
    in: { type: "string", required: true, description: "The backup", valueHint: "file" },
    ...databaseArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const settings = await databaseSettings(args);
    const { restore } = await import("../../platform/backup/restore.ts");
    const progress = new Progress((rows) => `${rows} rows ...`);
    const done = await restore({
      ...settings,
      from: resolve(args.in),
      onRows: (rows) => progress.at(rows),
    });
    if (args.json) return printJson(done);
    printLine(`Restored ${done.rows} rows as of ${done.madeAt}.`);
    if (done.steps.length > 0) printLine(`Brought forward: ${done.steps.join(", ")}.`);
    say(
      "What was changed since then is as it was: revoke again what was revoked, delete again what was deleted.",
    );
  },
});
