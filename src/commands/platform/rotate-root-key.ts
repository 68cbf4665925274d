import { resolve } from "node:path";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { databaseArgs, databaseSettings } from "./flags.ts";

export default command({
  name: "rotate-root-key",
  description: "Seal everything under a new root key, while no platform runs; the old one opens nothing then",
  args: {
    "new-key-file": {
      type: "string",
      description: "Where the root key is given: file of the new one, made unless it is there",
      valueHint: "file",
    },
    ...databaseArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const settings = await databaseSettings(args);
    const file = args["new-key-file"];
    const { rotateRootKey } = await import("../../platform/rotate-root-key.ts");
    const done = await rotateRootKey({
      ...settings,
      newKeyFile: file === undefined ? undefined : resolve(file),
    });
    if (args.json) return printJson(done);
    printLine(`Root key ${done.keyId}: ${done.file}`);
    if (done.resealed === 0) say("An interrupted rotation is complete now.");
    if (done.oldFile === undefined) {
      say("Give this file as SALLYPORT_ROOT_KEY_FILE to every platform from now on, then start them.");
      say("Keep the old key as long as there are backups from before: they open with it only.");
    } else {
      say(`The old key is kept in ${done.oldFile}: backups from before open with it only.`);
    }
  },
});
