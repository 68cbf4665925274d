import { authMethodArgs, requestedAuthMethod } from "../auth-method-flags.ts";
import { authMethodLines } from "../auth-method-text.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findRelay, relayArg } from "./find.ts";

const { "auth-method": _flag, ...settings } = authMethodArgs;

export default command({
  name: "auth-method",
  description: "Show how a relay logs in, or change it; one that runs goes on",
  args: {
    relay: relayArg,
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
    const wanted =
      args.method === undefined ? undefined : await requestedAuthMethod(args.method, args, repeated);
    const client = await openSession(args);
    const { id, name } = await findRelay(client, args.relay);
    const relay = wanted
      ? await client.relays.update(id, { authMethod: wanted })
      : await client.relays.get(id);
    if (args.json) return printJson(relay.authMethod ?? null);
    for (const line of authMethodLines(relay.authMethod)) printLine(line);
    if (wanted) say(`From the next login on. How to deploy it: sallyport relay deploy-command ${name}`);
  },
});
