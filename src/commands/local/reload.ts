import { reloadDaemon } from "../../host/control/client.ts";
import type { Role } from "../../host/paths.ts";
import { command } from "../command.ts";
import { say } from "../output.ts";
import { chooseDaemon, explained } from "./daemon.ts";

/** `gateway reload` and `relay reload`: the same as SIGHUP; no connection is cut. */
export function reloadCommand(role: Role) {
  return command({
    name: "reload",
    description: `Make a running ${role} take new certificates and settings; the same as SIGHUP`,
    args: {
      name: { type: "positional", required: false, description: `Name of the ${role}`, valueHint: "name" },
    },
    async run({ args }) {
      const { name, socket } = await chooseDaemon(role, args.name);
      await explained(role, name, reloadDaemon(socket));
      say(`The ${role} ${name} reloads; its log says if something could not be taken.`);
    },
  });
}
