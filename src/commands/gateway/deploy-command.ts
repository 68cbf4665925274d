import { requireGatewayName } from "../../host/names.ts";
import { serviceArg } from "../agent/deployment.ts";
import { command } from "../command.ts";
import { namedArg } from "../named.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { deployGateway, relayNames } from "./deploy.ts";
import { findGateway } from "./find.ts";

export default command({
  name: "deploy-command",
  description:
    "Print the command that deploys a gateway, with a new enrollment token where it logs in by one",
  args: {
    gateway: namedArg("gateway"),
    relay: { type: "string", description: "Relay that it is to use, or several: a,b", valueHint: "name" },
    ...serviceArg,
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args, repeated }) {
    const relays = relayNames(repeated("relay"));
    const client = await openSession(args);
    const gateway = await client.gateways.get((await findGateway(client, args.gateway)).id);
    const name = requireGatewayName(gateway.name);
    const deploy = await deployGateway(client, gateway, relays);
    if (args.json) return printJson({ id: gateway.id, name, ...deploy });
    say(
      deploy.expiresAt === undefined
        ? "On the gateway's machine run:"
        : `On the gateway's machine, until ${deploy.expiresAt}, run (a gateway that runs goes on until then):`,
    );
    printLine(args.service ? deploy.serviceCommand : deploy.command);
  },
});
