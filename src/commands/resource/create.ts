import { parseHostPort } from "../../host/address.ts";
import { command } from "../command.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "create",
  description: "Name a target behind a gateway, so that people can connect to it",
  args: {
    resource: {
      type: "positional",
      required: true,
      description: "Name of the new resource",
      valueHint: "name",
    },
    gateway: { type: "string", required: true, description: "Gateway that reaches it", valueHint: "name" },
    target: {
      type: "string",
      required: true,
      description: "What the gateway dials, as seen from its network",
      valueHint: "host:port",
    },
    kind: {
      type: "enum",
      options: ["tcp", "http"],
      default: "tcp",
      description: "How it is reached: raw bytes, or HTTP through the gateway",
    },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const target = parseHostPort(args.target, "--target");
    const client = await openSession(args);
    const resource = await client.createResource({
      name: args.resource,
      gatewayName: args.gateway,
      ...target,
      kind: args.kind,
    });
    for (const warning of resource.warnings) say(`Warning: ${warning}`);
    if (args.json) return printJson(resource);
    say(`Created the resource ${resource.name}. Reach it with:`);
    printLine(`sallyport connect ${resource.name}`);
  },
});
