import { atDesk } from "../../pki/offline/desk.ts";
import { exportTrustAnchors, trustAnchorFiles } from "../../pki/offline/export.ts";
import { trustOf } from "../../pki/offline/trust.ts";
import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { caFlags, placeOf } from "./flags.ts";

export default command({
  name: "export",
  description: "Print or write the trust anchors: PEM bundles and SSH CA lines, nothing secret",
  args: {
    ...caFlags,
    out: { type: "string", description: "Directory to write them to (default: print)", valueHint: "DIR" },
  },
  async run({ args }) {
    const trust = await atDesk(placeOf(args), async (desk) => trustOf(desk.ca));
    if (args.out !== undefined) {
      const files = await exportTrustAnchors(trust, args.out);
      return args.json ? printJson({ files }) : files.forEach(printLine);
    }
    const files = trustAnchorFiles(trust);
    if (args.json) return printJson(files);
    for (const [name, content] of Object.entries(files)) printLine(`# ${name}\n${content}`);
  },
});
