import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findGateway, gatewayArg } from "./find.ts";

export default command({
  name: "revoke",
  description: "End a gateway's access: its tunnels are cut at once, its tokens are worthless",
  args: { gateway: gatewayArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const { id, name } = await findGateway(client, args.gateway);
    const method = await client.gateways.revoke(id);
    say(
      method === "token"
        ? `Revoked the gateway ${name}. To use it again: sallyport gateway deploy-command ${name}`
        : `Revoked the gateway ${name}. It logs in by ${method} and may do so again: to keep it out, change who is allowed with "sallyport gateway auth-method ${name}", or delete it.`,
    );
  },
});
