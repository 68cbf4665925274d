import { requireGatewayName } from "../../host/names.ts";
import { authMethodArgs, requestedAuthMethod } from "../agent/auth-method-flags.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { findRelay } from "../relay/find.ts";
import { openSession, sessionArgs } from "../session.ts";
import { untilHealthy, waitArgs, waitSeconds } from "../wait.ts";
import { deployGateway, relayNames } from "./deploy.ts";
import { awaitedGateway } from "./find.ts";

export default command({
  name: "create",
  description: "Create a gateway on the platform and print the command that deploys it",
  args: {
    gateway: {
      type: "positional",
      required: true,
      description: "Name of the new gateway",
      valueHint: "name",
    },
    relay: { type: "string", description: "Relay that it is to use, or several: a,b", valueHint: "name" },
    ...authMethodArgs,
    ...waitArgs,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args, repeated }) {
    const name = requireGatewayName(args.gateway);
    const seconds = waitSeconds(args);
    const relays = relayNames(repeated("relay"));
    const method = args["auth-method"] ?? "token";
    const authMethod = await requestedAuthMethod(method, args, repeated);
    const client = await openSession(args);
    for (const relay of relays) await findRelay(client, relay);
    const gateway = await client.gateways.create({ name, authMethod });
    const deploy = await deployGateway(client, { ...gateway, authMethod: { method } }, relays);
    if (args.json) printJson({ ...gateway, ...deploy });
    else {
      const until = deploy.expiresAt === undefined ? "" : `, until ${deploy.expiresAt}`;
      say(`Created the gateway ${name} (${gateway.id}). On its machine${until}, run:`);
      printLine(deploy.command);
    }
    if (args.wait) await untilHealthy(awaitedGateway(client, gateway), seconds);
  },
});
