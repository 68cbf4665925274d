import { requireGatewayName } from "../../host/names.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { deployCommand, relayNames } from "./deploy.ts";

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
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args, repeated }) {
    const name = requireGatewayName(args.gateway);
    const relays = relayNames(repeated("relay"));
    const client = await openSession(args);
    const gateway = await client.createGateway({ name });
    const { token, expiresAt } = await client.generateGatewayToken(gateway.id);
    const start = deployCommand({ name, token, relays, domain: client.domain });
    if (args.json) return printJson({ ...gateway, token, expiresAt, command: start });
    say(`Created the gateway ${name} (${gateway.id}). On its machine, until ${expiresAt}, run:`);
    printLine(start);
  },
});
