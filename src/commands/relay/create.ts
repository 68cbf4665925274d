import { requireRelayName } from "../../host/names.ts";
import { authMethodArgs, requestedAuthMethod } from "../agent/auth-method-flags.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { untilHealthy, waitArgs, waitSeconds } from "../wait.ts";
import { deployRelay } from "./deploy.ts";
import { awaitedRelay } from "./find.ts";

export default command({
  name: "create",
  description: "Create a relay on the platform and print the command that deploys it",
  args: {
    relay: { type: "positional", required: true, description: "Name of the new relay", valueHint: "name" },
    host: {
      type: "string",
      required: true,
      description: "Name or address that gateways and clients dial",
      valueHint: "host",
    },
    ...authMethodArgs,
    instance: {
      type: "boolean",
      description: "Share it with all organisations; for administrators of the whole instance",
    },
    ...waitArgs,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args, repeated }) {
    const name = requireRelayName(args.relay);
    const seconds = waitSeconds(args);
    const method = args["auth-method"] ?? "token";
    const authMethod = await requestedAuthMethod(method, args, repeated);
    const client = await openSession(args);
    const relay = await client.relays.create({
      ...{ name, host: args.host, authMethod },
      ...(args.instance && { instance: true }),
    });
    const deploy = await deployRelay(client, { ...relay, authMethod: { method } });
    if (args.json) printJson({ ...relay, ...deploy });
    else {
      const until = deploy.expiresAt === undefined ? "" : `, until ${deploy.expiresAt}`;
      say(`Created the relay ${name} (${relay.id}). On ${args.host}${until}, run:`);
      printLine(deploy.command);
    }
    if (args.wait) await untilHealthy(awaitedRelay(client, relay), seconds);
  },
});
