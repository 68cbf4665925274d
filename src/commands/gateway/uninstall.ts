import { thisMachine } from "../../host/paths.ts";
import { command } from "../command.ts";
import { uninstall, uninstallArgs } from "../service.ts";
import { gatewayArgs, requiredGatewayName } from "./flags.ts";

export default command({
  name: "uninstall",
  description: "Stop a gateway's service and remove it; its conf stays",
  args: { gateway: gatewayArgs.gateway, name: gatewayArgs.name, ...uninstallArgs },
  run: ({ args }) => uninstall("gateway", requiredGatewayName("uninstall", args, thisMachine().env), args),
});
