import { requireGatewayName } from "../../host/names.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { deployCommand, relayNames } from "./deploy.ts";
import { findGateway, gatewayArg } from "./find.ts";

export default command({
  name: "deploy-command",
  description: "Make a new enrollment token for a gateway and print the command that uses it",
  args: {
    gateway: gatewayArg,
    relay: { type: "string", description: "Relay that it is to use, or several: a,b", valueHint: "name" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args, repeated }) {
    const relays = relayNames(repeated("relay"));
    const client = await openSession(args);
    const gateway = await findGateway(client, args.gateway);
    const name = requireGatewayName(gateway.name);
    const { token, expiresAt } = await client.generateGatewayToken(gateway.id);
    const start = deployCommand({ name, token, relays, domain: client.domain });
    if (args.json) return printJson({ id: gateway.id, name, token, expiresAt, command: start });
    say(`On the gateway's machine, until ${expiresAt}, run (a gateway that runs goes on until then):`);
    printLine(start);
  },
});
