import { atDesk } from "../../pki/offline/desk.ts";
import { summarise } from "../../pki/offline/show.ts";
import { command } from "../command.ts";
import { printJson, printLine, printTable } from "../output.ts";
import { caFlags, placeOf } from "./flags.ts";

export default command({
  name: "show",
  description: "Show the authorities and what they have issued",
  args: caFlags,
  async run({ args }) {
    const place = placeOf(args);
    const summary = await atDesk(place, async (desk) => summarise(desk));
    if (args.json) return printJson({ directory: place.directory, ...summary });
    printLine(`CA of ${summary.orgName} (organisation ${summary.orgId}), ${summary.keyType} keys`);
    printLine("");
    printTable(
      ["AUTHORITY", "EXPIRES", "SHA-256"],
      summary.authorities.map(({ name, expiresAt, fingerprint }) => [name, day(expiresAt), fingerprint]),
    );
    for (const time of summary.rotations) {
      printLine(`Authorities replaced at ${time} are still trusted; "ca rotate --drop-old" ends that.`);
    }
    printLine("");
    if (summary.issued.length === 0) return printLine("Nothing issued yet.");
    printTable(
      ["ROLE", "NAME", "FOR", "EXPIRES", "SERIAL", "DIRECTORY"],
      summary.issued.map(({ role, name, detail, expiresAt, serials, directory }) => [
        role,
        name,
        detail,
        expiresAt ?? "expired",
        serials.findLast((serial) => !serial.startsWith("ssh:")) ?? "",
        directory,
      ]),
    );
  },
});

function day(time: string): string {
  return time.slice(0, 10);
}
