import { setDaemonLogLevel } from "../../host/control/client.ts";
import type { Role } from "../../host/paths.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { LOG_LEVELS } from "../../telemetry/log.ts";
import { command } from "../command.ts";
import { say } from "../output.ts";
import { chooseDaemon, explained } from "./daemon.ts";

/** `gateway log-level` and `relay log-level`: how much a running daemon says, until it is started again. */
export function logLevelCommand(role: Role) {
  return command({
    name: "log-level",
    description: `Change how much a running ${role} logs: ${LOG_LEVELS.join(", ")}`,
    args: {
      name: { type: "positional", required: true, description: `Name of the ${role}`, valueHint: "name" },
      level: { type: "positional", required: true, description: "The new level", valueHint: "level" },
    },
    async run({ args }) {
      const level = LOG_LEVELS.find((known) => known === args.level);
      if (!level) throw new SallyportError("USAGE", `A log level is one of ${LOG_LEVELS.join(", ")}.`);
      const { name, socket } = await chooseDaemon(role, args.name);
      await explained(role, name, setDaemonLogLevel(socket, level));
      say(`The ${role} ${name} logs at ${level} until it is started again.`);
    },
  });
}
