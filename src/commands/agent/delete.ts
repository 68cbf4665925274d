import { command } from "../command.ts";
import { namedArg } from "../named.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import type { AgentKind } from "./kind.ts";

/** `gateway delete` and `relay delete`. */
export function deleteCommand({ role, end, find, calls }: AgentKind) {
  return command({
    name: "delete",
    description: `Delete a ${role} from the platform; ${end}`,
    args: { name: namedArg(role), ...sessionArgs },
    async run({ args }) {
      const client = await openSession(args);
      const { id, name } = await find(client, args.name);
      await calls(client).delete(id);
      say(`Deleted the ${role} ${name}.`);
    },
  });
}
