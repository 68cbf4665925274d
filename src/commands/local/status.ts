import { askDaemon } from "../../host/control/client.ts";
import type { Role } from "../../host/paths.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { chooseDaemon, explained } from "./daemon.ts";
import { statusLines } from "./status-text.ts";
import { watchStatus } from "./watch.ts";

/** `gateway status` and `relay status`: what runs on this machine, and what is wrong with it. */
export function statusCommand(role: Role) {
  return command({
    name: "status",
    description: `Show how a ${role} of this machine is doing, what is wrong and what to do`,
    args: {
      name: { type: "positional", required: false, description: `Name of the ${role}`, valueHint: "name" },
      json: { type: "boolean", description: "Print JSON" },
      watch: { type: "boolean", description: "Go on until interrupted; with --json one line per change" },
    },
    async run({ args }) {
      const { name, socket } = await chooseDaemon(role, args.name);
      if (args.watch) {
        if (!args.json && !process.stdout.isTTY) {
          throw new SallyportError("USAGE", "--watch redraws a terminal: add --json to get lines.");
        }
        return watchStatus({ role, name, socket, json: args.json ?? false });
      }
      const status = await explained(role, name, askDaemon(socket));
      if (args.json) return printJson(status);
      for (const line of statusLines(status, new Date())) printLine(line);
    },
  });
}
