import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession } from "../session.ts";
import { authorityArgs, ownerOf, printState } from "./state.ts";

export default command({
  name: "replace",
  description:
    "After a private key was stolen: distrust the present authorities at once and cut what is open",
  args: { ...authorityArgs, yes: { type: "boolean", description: "Do it" } },
  async run({ args }) {
    if (!args.yes) {
      throw new SallyportError(
        "USAGE",
        "This cuts every open connection; relays and gateways come back with new certificates. Add --yes to do it.",
      );
    }
    const client = await openSession(args);
    printState(await client.authorities.replace(ownerOf(args)), args.json ?? false);
    say("Relays and gateways of Infisical's don't hear of it: restart them now.");
  },
});
