import { readFile } from "node:fs/promises";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { command } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { printJson, printLine, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "create",
  description: "Have alerts sent to a webhook, or written into the platform's log",
  args: {
    name: { type: "positional", required: true, description: "Name of the destination", valueHint: "name" },
    webhook: { type: "string", description: "Post them to this https address", valueHint: "url" },
    "webhook-ca": {
      type: "string",
      description: "PEM file of the authority of the webhook's certificate, if it is no public one",
      valueHint: "file",
    },
    log: { type: "boolean", description: "Write them into the platform's log" },
    rule: {
      type: "string",
      description:
        "Only gateway-unhealthy, relay-unhealthy, certificate-expiring, gateway-duplicate or login-failures; may be given several times",
      valueHint: "rule",
    },
    after: {
      type: "string",
      description: "How long a gateway or relay has to be unwell, at most 1d (60s)",
      valueHint: "time",
    },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args, repeated }) {
    const { name, webhook } = args;
    if ((webhook === undefined) === !args.log) {
      throw new SallyportError("USAGE", "Give either --webhook https://... or --log.");
    }
    const rules = repeated("rule");
    const ca = args["webhook-ca"];
    const body = {
      name,
      ...(webhook === undefined ? { kind: "log" as const } : { kind: "webhook" as const, url: webhook }),
      ...(ca !== undefined && { caCertificate: await readPem(ca) }),
      ...(rules.length > 0 && { rules }),
      ...(args.after !== undefined && { afterSeconds: parseDuration(args.after, "--after") }),
    };
    const client = await openSession(args);
    const made = await client.alerts.create(body);
    if (args.json) return printJson(made);
    say(`Alerts go to ${name} now. Try it with "sallyport alert test ${name}".`);
    if (made.secret === undefined) return;
    say("The webhook's secret, which is not shown again: its receiver checks signatures with it.");
    printLine(made.secret);
  },
});

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new SallyportError("FILE_UNREADABLE", `Cannot read --webhook-ca: ${describe(cause)}`, { cause });
  }
}
