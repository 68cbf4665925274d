import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "update",
  description: "Change settings of the organisation that you are in",
  args: {
    "require-gateway-pools": {
      type: "boolean",
      description:
        "Nothing new may be put behind a single gateway; --no-require-gateway-pools allows it again",
    },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const requireGatewayPools = args["require-gateway-pools"];
    if (requireGatewayPools === undefined) {
      throw new SallyportError(
        "USAGE",
        "Say what to change: --require-gateway-pools or --no-require-gateway-pools.",
      );
    }
    const organisation = await (await openSession(args)).people.updateOrganisation({ requireGatewayPools });
    if (args.json) return printJson(organisation);
    say(
      requireGatewayPools
        ? `In ${organisation.name} new resources go behind gateway pools only; what is there stays.`
        : `In ${organisation.name} new resources may go behind single gateways again.`,
    );
  },
});
