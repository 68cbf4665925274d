import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { behind } from "./flags.ts";
import { resourceArg } from "./grantee.ts";

export default command({
  name: "show",
  description: "Show a resource: what it is and what reaches it",
  args: { resource: resourceArg, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const resource = await (await openSession(args)).resources.get(args.resource);
    if (args.json) return printJson(resource);
    const { id, name, host, port, kind, createdAt } = resource;
    printLine(`Name     ${name}`);
    printLine(`Id       ${id}`);
    printLine(`Kind     ${kind}`);
    printLine(`Target   ${host}:${port}`);
    printLine(`Behind   ${behind(resource)}`);
    printLine(`Created  ${createdAt ?? "unknown"}`);
    printLine(`Use      sallyport connect ${name}`);
  },
});
