import { readGatewayLimits } from "../../gateway/limits.ts";
import { keepServiceConf, previewServiceConf } from "../../gateway/service-conf.ts";
import { thisMachine } from "../../host/paths.ts";
import { readProfile } from "../../platform-client/profile.ts";
import { command } from "../command.ts";
import { givenCredentials } from "../identity-flags.ts";
import { metricsAddress } from "../logging.ts";
import { install, installArgs, passedOn } from "../service.ts";
import { daemonArgs, gatewayArgs, gatewayFlags, requiredGatewayName } from "./flags.ts";

export default command({
  name: "install",
  description: "Enroll a gateway and run it as a service of this machine",
  args: { ...gatewayArgs, ...daemonArgs, ...installArgs },
  async run({ args, repeated }) {
    const { env } = thisMachine();
    const gatewayName = requiredGatewayName("install", args, env);
    const flags = gatewayFlags(args, repeated);
    const { drainMs } = readGatewayLimits(repeated("limit"), {});
    metricsAddress(args, {});
    await install(
      {
        role: "gateway",
        name: gatewayName,
        args: ["gateway", "start", gatewayName, ...passedOn(daemonArgs, (flag) => repeated(flag as "limit"))],
        drainSeconds: drainMs / 1000,
      },
      args,
      {
        preview: ({ machine }) => previewServiceConf({ gatewayName, flags, machine }),
        keep: async ({ machine }) =>
          keepServiceConf({
            gatewayName,
            flags,
            ...(await givenCredentials(args)),
            profileDomain: (await readProfile())?.domain,
            machine,
          }),
      },
    );
  },
});
