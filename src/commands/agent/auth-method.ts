import { command } from "../command.ts";
import { namedArg } from "../named.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { authMethodArgs, requestedAuthMethod } from "./auth-method-flags.ts";
import { authMethodLines } from "./auth-method-text.ts";
import type { AgentKind } from "./kind.ts";

const { "auth-method": _flag, ...settings } = authMethodArgs;

/** `gateway auth-method` and `relay auth-method`. */
export function authMethodCommand({ role, find, calls }: AgentKind) {
  return command({
    name: "auth-method",
    description: `Show how a ${role} logs in, or change it; one that runs goes on`,
    args: {
      name: namedArg(role),
      method: {
        type: "positional",
        required: false,
        description: "token, aws or kubernetes; none shows the present one",
        valueHint: "method",
      },
      ...settings,
      ...sessionArgs,
      json: { type: "boolean", description: "Print JSON" },
    },
    async run({ args, repeated }) {
      const authMethod =
        args.method === undefined ? undefined : await requestedAuthMethod(args.method, args, repeated);
      const client = await openSession(args);
      const { id, name } = await find(client, args.name);
      const agents = calls(client);
      const { authMethod: present } = authMethod
        ? await agents.update(id, { authMethod })
        : await agents.get(id);
      if (args.json) return printJson(present ?? null);
      for (const line of authMethodLines(present)) printLine(line);
      if (authMethod)
        say(`From the next login on. How to deploy it: sallyport ${role} deploy-command ${name}`);
    },
  });
}
