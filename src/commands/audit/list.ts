import { AUDIT_EVENTS } from "../../platform/store/audit.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { didYouMean } from "../nearest.ts";
import { printJson, printTable } from "../output.ts";
import { openSession } from "../session.ts";
import { exportTo, limitOf, listingArgs, listingFilter } from "./flags.ts";

export default command({
  name: "list",
  description: "List who changed what in the organisation, newest first",
  args: {
    ...listingArgs,
    event: { type: "string", description: "Only this event, for example GATEWAY_CREATE", valueHint: "event" },
  },
  async run({ args }) {
    const filter = { ...listingFilter(args), ...(args.event !== undefined && { event: known(args.event) }) };
    const limit = limitOf(args.limit);
    const client = await openSession(args);
    if (args.export !== undefined) {
      const stop = new AbortController();
      const { export: file, force } = args;
      return await exportTo({ file, force }, await client.audit.export("audit", filter, stop.signal));
    }
    const page = await client.audit.list({ ...filter, ...limit });
    if (args.json) return printJson(page);
    printTable(
      ["TIME", "EVENT", "WHO", "FROM", "WHAT"],
      page.entries.map(({ time, event, actor, address, detail }) => [
        time,
        event,
        actor.name ?? actor.id ?? actor.type,
        address ?? "",
        String(detail.name ?? detail.target ?? ""),
      ]),
    );
  },
});

/** @throws SallyportError USAGE: a name with a slip in it would find nothing, as if nothing had happened */
function known(event: string): string {
  if (AUDIT_EVENTS.some((name) => name === event)) return event;
  const meant = didYouMean(event.toUpperCase(), AUDIT_EVENTS);
  throw new SallyportError(
    "USAGE",
    `--event ${JSON.stringify(event)} is no event: ${meant ?? `there are ${AUDIT_EVENTS.join(", ")}.`}`,
  );
}
