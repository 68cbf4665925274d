import { VERSION } from "../version.ts";
import { command } from "./command.ts";
import { printJson, printLine } from "./output.ts";

export default command({
  name: "version",
  description: "Print the version and the runtime it was built with",
  args: { json: { type: "boolean", description: "Print JSON" } },
  run({ args }) {
    const facts = { version: VERSION, bun: Bun.version, platform: `${process.platform}-${process.arch}` };
    if (args.json) printJson(facts);
    else printLine(`sallyport ${facts.version} (bun ${facts.bun}, ${facts.platform})`);
  },
});
