import { readLimits } from "../../relay/limits.ts";
import { keepServiceConf, previewServiceConf } from "../../relay/service-conf.ts";
import { command } from "../command.ts";
import { metricsAddress } from "../logging.ts";
import { install, installArgs, passedOn } from "../service.ts";
import {
  daemonArgs,
  identityArgs,
  listenArgs,
  publicArgs,
  requiredRelayName,
  startFlags,
  workerCount,
} from "./flags.ts";
import { relayRequest } from "./request.ts";

export default command({
  name: "install",
  description: "Enroll a relay and run it as a service of this machine",
  args: { ...identityArgs, ...publicArgs, ...listenArgs, ...daemonArgs, ...installArgs },
  async run({ args, repeated }) {
    const { env } = process;
    const name = requiredRelayName("install", args, env);
    const { drainMs } = readLimits(repeated("limit"), {});
    workerCount(args.workers);
    metricsAddress(args, {});
    const flags = startFlags(args, repeated);
    const passed = passedOn(daemonArgs, (flag) => repeated(flag as "limit"));
    await install(
      { role: "relay", name, args: ["relay", "start", name, ...passed], drainSeconds: drainMs / 1000 },
      args,
      {
        preview: ({ machine }) => previewServiceConf({ name, flags, machine }),
        keep: async ({ machine }) => keepServiceConf(await relayRequest("install", args, flags, machine)),
      },
    );
  },
});
