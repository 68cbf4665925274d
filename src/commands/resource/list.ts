import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List the organisation's resources",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const resources = await (await openSession(args)).listResources();
    if (args.json) return printJson(resources);
    printTable(
      ["NAME", "GATEWAY", "TARGET", "KIND", "ID"],
      resources.map(({ name, gatewayName, host, port, kind, id }) => [
        name,
        gatewayName,
        `${host}:${port}`,
        kind,
        id,
      ]),
    );
  },
});
