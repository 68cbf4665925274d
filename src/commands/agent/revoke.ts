import { command } from "../command.ts";
import { namedArg } from "../named.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import type { AgentKind } from "./kind.ts";

/** `gateway revoke` and `relay revoke`. */
export function revokeCommand({ role, end, find, calls }: AgentKind) {
  return command({
    name: "revoke",
    description: `End a ${role}'s access: ${end}, its tokens are worthless`,
    args: { name: namedArg(role), ...sessionArgs },
    async run({ args }) {
      const client = await openSession(args);
      const { id, name } = await find(client, args.name);
      const method = await calls(client).revoke(id);
      say(
        method === "token"
          ? `Revoked the ${role} ${name}. To use it again: sallyport ${role} deploy-command ${name}`
          : `Revoked the ${role} ${name}. It logs in by ${method} and may do so again: to keep it out, change who is allowed with "sallyport ${role} auth-method ${name}", or delete it.`,
      );
    },
  });
}
