import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { rightArg, roleArg } from "./flags.ts";

export default command({
  name: "update",
  description: "Change a role, for everybody who has it; what a right that goes had opened is cut",
  args: {
    role: roleArg,
    name: { type: "string", description: "A new name", valueHint: "name" },
    right: { ...rightArg, description: "The rights from now on, repeatable; those not named go" },
    add: { ...rightArg, description: "A right more, repeatable" },
    remove: { ...rightArg, description: "A right less, repeatable" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args, repeated }) {
    const [whole, more, less] = [repeated("right"), repeated("add"), repeated("remove")];
    const changes = more.length + less.length > 0;
    if (whole.length > 0 && changes) {
      throw new SallyportError("USAGE", "Give --right, or --add and --remove, not both.");
    }
    if (whole.length === 0 && !changes && args.name === undefined) {
      throw new SallyportError("USAGE", "Say what to change: --name, --right, --add or --remove.");
    }
    const { people } = await openSession(args);
    const rights = changes
      ? [...new Set([...(await people.role(args.role)).rights, ...more]).difference(new Set(less))]
      : whole;
    const role = await people.changeRole(args.role, {
      ...(args.name !== undefined && { name: args.name }),
      ...((changes || whole.length > 0) && { rights }),
    });
    if (args.json) return printJson(role);
    say(`The role ${role.name} has ${role.rights.length} rights now.`);
  },
});
