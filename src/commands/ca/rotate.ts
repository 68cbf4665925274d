import { atDesk } from "../../pki/offline/desk.ts";
import { dropRetired, rotate } from "../../pki/offline/rotate.ts";
import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { caFlags, placeOf } from "./flags.ts";
import { nameOf, printDelivery } from "./print.ts";

export default command({
  name: "rotate",
  description: "Replace the issuing authorities; the old ones stay trusted until --drop-old",
  args: {
    ...caFlags,
    "drop-old": {
      type: "boolean",
      description: "Take the replaced ones out of the bundles (a stolen CA key needs a new CA)",
    },
  },
  async run({ args }) {
    const dropOld = args["drop-old"] ?? false;
    const place = placeOf(args);
    const rotated = await atDesk(place, dropOld ? dropRetired : rotate);
    if (args.json) return printJson(rotated);
    printLine(dropOld ? "The old authorities are no longer trusted." : "New authorities issue from now on.");
    printDelivery(rotated, "the bundles of `sallyport ca export`");
    if (dropOld) return;
    for (const copy of rotated.outdated) printLine(`Issue again: ${nameOf(copy)} in ${copy.directory}`);
    printLine(`When everything is issued again: sallyport ca rotate --drop-old --dir ${place.directory}`);
  },
});
