import { authMethodArgs, requestedAuthMethod } from "../auth-method-flags.ts";
import { authMethodLines } from "../auth-method-text.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findGateway, gatewayArg } from "./find.ts";

const { "auth-method": _flag, ...settings } = authMethodArgs;

export default command({
  name: "auth-method",
  description: "Show how a gateway logs in, or change it; one that runs goes on",
  args: {
    gateway: gatewayArg,
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
    const { id, name } = await findGateway(client, args.gateway);
    const gateway = wanted
      ? await client.gateways.update(id, { authMethod: wanted })
      : await client.gateways.get(id);
    if (args.json) return printJson(gateway.authMethod ?? null);
    for (const line of authMethodLines(gateway.authMethod)) printLine(line);
    if (wanted) say(`From the next login on. How to deploy it: sallyport gateway deploy-command ${name}`);
  },
});
