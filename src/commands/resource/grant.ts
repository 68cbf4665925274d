import { SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { granteeArgs, granteeName, granteeOf, resourceArg } from "./grantee.ts";

export default command({
  name: "grant",
  description: "Let a person or a machine identity reach a resource, for a time or until it is taken back",
  args: {
    resource: resourceArg,
    ...granteeArgs,
    for: { type: "string", description: "For how long, for example 8h or 30d", valueHint: "time" },
    until: { type: "string", description: "Until when, for example 2030-01-31T18:00:00Z", valueHint: "time" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const endsAt = endOf(args);
    const client = await openSession(args);
    const grant = await client.grantResource(args.resource, {
      ...granteeOf(args),
      ...(endsAt && { endsAt: endsAt.toISOString() }),
    });
    if (args.json) return printJson(grant);
    say(
      `${granteeName(grant)} may reach ${args.resource} ${grant.endsAt ? `until ${grant.endsAt}` : "until it is taken back"}.`,
    );
  },
});

function endOf(args: { for?: string | undefined; until?: string | undefined }): Date | undefined {
  if (args.for !== undefined && args.until !== undefined) {
    throw new SallyportError("USAGE", "Give --for or --until, not both.");
  }
  if (args.for !== undefined) return new Date(Date.now() + parseDuration(args.for, "--for") * 1000);
  if (args.until === undefined) return undefined;
  const end = new Date(args.until);
  if (!Number.isNaN(end.getTime())) return end;
  throw new SallyportError("USAGE", "--until has to be a time such as 2030-01-31T18:00:00Z.");
}
