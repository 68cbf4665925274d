import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { kindArg, placeArgs, placeOf, targetArg, targetOf } from "./flags.ts";
import { resourceArg } from "./grantee.ts";

export default command({
  name: "update",
  description:
    "Change a resource; grants stay, but another target, gateway or pool cuts what is open to the former one",
  args: {
    resource: resourceArg,
    name: { type: "string", description: "Its new name", valueHint: "name" },
    ...placeArgs,
    target: targetArg,
    kind: kindArg,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const { name, target, kind } = args;
    const change = {
      ...(name !== undefined && { name }),
      ...placeOf(args),
      ...(target !== undefined && targetOf(target, kind, true)),
      ...(kind !== undefined && { kind }),
    };
    if (Object.keys(change).length === 0) {
      throw new SallyportError("USAGE", "Say what to change: --name, --target, --kind, --gateway or --pool.");
    }
    const resource = await (await openSession(args)).resources.update(args.resource, change);
    for (const warning of resource.warnings) say(`Warning: ${warning}`);
    if (args.json) return printJson(resource);
    say(`Changed the resource ${resource.name}.`);
  },
});
