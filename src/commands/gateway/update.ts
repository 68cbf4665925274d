import { requireGatewayName } from "../../host/names.ts";
import { command } from "../command.ts";
import { namedArg } from "../named.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findGateway } from "./find.ts";

export default command({
  name: "update",
  description:
    "Rename a gateway on the platform; its machine goes on, and may keep calling it by the old name",
  args: {
    gateway: namedArg("gateway"),
    name: { type: "string", required: true, description: "Its new name", valueHint: "name" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const name = requireGatewayName(args.name);
    const client = await openSession(args);
    const before = await findGateway(client, args.gateway);
    const gateway = await client.gateways.update(before.id, { name });
    if (args.json) return printJson(gateway);
    say(`The gateway ${before.name} is called ${gateway.name} now.`);
  },
});
