import type { AlertPage } from "../../platform-client/calls/alerts.ts";
import { limitOf, listingFilter } from "../audit/flags.ts";
import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "history",
  description: "List what people were alerted of, newest first",
  args: {
    open: { type: "boolean", description: "Only what is not over" },
    since: { type: "string", description: "Not before: 24h, 7d, or 2030-01-31T18:00:00Z", valueHint: "time" },
    until: { type: "string", description: "Before: 1h, or 2030-01-31T18:00:00Z", valueHint: "time" },
    limit: { type: "string", description: "How many, at most 1000 (100)", valueHint: "count" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const filter = { ...listingFilter(args), ...limitOf(args.limit), ...(args.open && { open: true }) };
    const client = await openSession(args);
    const page = await client.alerts.history(filter);
    if (args.json) return printJson(page);
    printTable(
      ["SINCE", "UNTIL", "WHAT", "WHY", "TOLD"],
      page.alerts.map(({ since, until, title, text, deliveries }) => [
        since ?? "",
        until ?? "",
        title,
        text,
        deliveries.map(toldIn).join(", "),
      ]),
    );
  },
});

type Delivery = AlertPage["alerts"][number]["deliveries"][number];

function toldIn({ destination, event, deliveredAt, failedAt, attempts }: Delivery): string {
  const what = event === "raised" ? destination : `${destination} (${event})`;
  if (deliveredAt) return what;
  return failedAt ? `not ${what}: given up` : `not yet ${what}: tried ${attempts} times`;
}
