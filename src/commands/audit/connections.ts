import { command } from "../command.ts";
import { findGateway } from "../gateway/find.ts";
import { printJson, printTable } from "../output.ts";
import { openSession } from "../session.ts";
import { exportTo, limitOf, listingArgs, listingFilter } from "./flags.ts";

export default command({
  name: "connections",
  description: "List who reached what through gateways, newest first",
  args: {
    ...listingArgs,
    gateway: { type: "string", description: "Only through this gateway: name or id", valueHint: "name" },
    open: { type: "boolean", description: "Only those that are open" },
  },
  async run({ args }) {
    const limit = limitOf(args.limit);
    const client = await openSession(args);
    const gateway = args.gateway === undefined ? undefined : await findGateway(client, args.gateway);
    const filter = {
      ...listingFilter(args),
      ...(gateway && { gatewayId: gateway.id }),
      ...(args.open && { open: true }),
    };
    if (args.export !== undefined) {
      const stop = new AbortController();
      const { export: file, force } = args;
      return await exportTo({ file, force }, await client.audit.export("connections", filter, stop.signal));
    }
    const page = await client.audit.connections({ ...filter, ...limit });
    if (args.json) return printJson(page);
    printTable(
      ["OPENED", "WHO", "TARGET", "THROUGH", "UP", "DOWN", "SECONDS", "END"],
      page.connections.map((one) => [
        one.openedAt,
        one.actor.name ?? one.actor.id ?? one.actor.type,
        one.resourceName ?? one.target,
        one.gatewayName,
        String(one.bytesUp ?? ""),
        String(one.bytesDown ?? ""),
        one.durationMs === null ? "" : (one.durationMs / 1000).toFixed(1),
        one.cause ?? (one.closedAt === null ? "open" : ""),
      ]),
    );
  },
});
