import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List where alerts go",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const client = await openSession(args);
    const destinations = await client.alerts.destinations();
    if (args.json) return printJson(destinations);
    printTable(
      ["NAME", "TO", "AFTER", "RULES"],
      destinations.map(({ name, kind, url, afterSeconds, rules }) => [
        name,
        url ?? kind,
        `${afterSeconds}s`,
        rules.join(", "),
      ]),
    );
  },
});
