import { resolve } from "node:path";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { Progress } from "../progress.ts";
import { databaseArgs, databaseSettings } from "./flags.ts";

export default command({
  name: "backup",
  description: "Write everything the platform knows to a file, while it runs; the root key is not in it",
  args: {
    out: { type: "string", required: true, description: "A new file", valueHint: "file" },
    ...databaseArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const settings = await databaseSettings(args);
    const out = resolve(args.out);
    const { backup } = await import("../../platform/backup/backup.ts");
    const progress = new Progress((rows) => `${rows} rows ...`);
    const done = await backup({ ...settings, out, onRows: (rows) => progress.at(rows) });
    if (args.json) return printJson({ file: out, ...done });
    printLine(`${out}: ${done.rows} rows of ${done.tables} tables.`);
    say("The root key is not in it, and nothing opens without it: keep a copy of that apart.");
  },
});
