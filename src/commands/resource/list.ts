import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { behind } from "./flags.ts";

export default command({
  name: "list",
  description: "List the organisation's resources",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const resources = await (await openSession(args)).resources.list();
    if (args.json) return printJson(resources);
    printTable(
      ["NAME", "BEHIND", "TARGET", "KIND", "ID"],
      resources.map(({ host, port, kind, id, ...resource }) => [
        resource.name,
        behind(resource),
        `${host}:${port}`,
        kind,
        id,
      ]),
    );
  },
});
