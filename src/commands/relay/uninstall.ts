import { command } from "../command.ts";
import { uninstall, uninstallArgs } from "../service.ts";
import { identityArgs, requiredRelayName } from "./flags.ts";

export default command({
  name: "uninstall",
  description: "Stop a relay's service and remove it; its conf stays",
  args: { relay: identityArgs.relay, name: identityArgs.name, ...uninstallArgs },
  run: ({ args }) => uninstall("relay", requiredRelayName("uninstall", args, process.env), args),
});
