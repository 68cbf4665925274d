import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { nextCommand } from "../next-command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { kindArg, placeArgs, placeOf, targetArg, targetOf } from "./flags.ts";

export default command({
  name: "create",
  description: "Name a target behind a gateway or a pool, so that people can connect to it",
  args: {
    resource: {
      type: "positional",
      required: true,
      description: "Name of the new resource",
      valueHint: "name",
    },
    ...placeArgs,
    target: { ...targetArg, required: true },
    kind: { ...kindArg, default: "tcp" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const place = placeOf(args);
    if (Object.keys(place).length === 0) {
      throw new SallyportError("USAGE", "Say what reaches it: --gateway or --pool.");
    }
    const target = targetOf(args.target, args.kind);
    const client = await openSession(args);
    const resource = await client.resources.create({
      name: args.resource,
      ...place,
      ...target,
      kind: args.kind,
    });
    for (const warning of resource.warnings) say(`Warning: ${warning}`);
    if (args.json) return printJson(resource);
    say(`Created the resource ${resource.name}. Reach it with:`);
    printLine(nextCommand("connect", resource.name));
  },
});
