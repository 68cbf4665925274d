import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { namedArg } from "../named.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findRelay } from "./find.ts";

export default command({
  name: "update",
  description: "Change where a relay is, or whether gateways may choose it by themselves; its name stays",
  args: {
    relay: namedArg("relay"),
    host: {
      type: "string",
      description: "Name or address that gateways and clients dial; restart the relay afterwards",
      valueHint: "host",
    },
    "auto-select": {
      type: "boolean",
      description: "Gateways that name no relay may choose it; --no-auto-select keeps it for those that do",
    },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const { host, "auto-select": autoSelect } = args;
    if (host === undefined && autoSelect === undefined) {
      throw new SallyportError("USAGE", "Say what to change: --host, --auto-select or --no-auto-select.");
    }
    const client = await openSession(args);
    const { id } = await findRelay(client, args.relay);
    const relay = await client.relays.update(id, {
      ...(host !== undefined && { host }),
      ...(autoSelect !== undefined && { autoSelect }),
    });
    if (args.json) return printJson(relay);
    say(`Changed the relay ${relay.name}.`);
    if (host !== undefined) say(`Restart it on ${relay.host}, so that it gets certificates for that name.`);
  },
});
