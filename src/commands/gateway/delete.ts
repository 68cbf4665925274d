import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findGateway, gatewayArg } from "./find.ts";

export default command({
  name: "delete",
  description: "Delete a gateway from the platform; its tunnels are cut at once",
  args: { gateway: gatewayArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const { id, name } = await findGateway(client, args.gateway);
    await client.gateways.delete(id);
    say(`Deleted the gateway ${name}.`);
  },
});
