import { thisPlace } from "../../client/diagnose/context.ts";
import { type Diagnosis, diagnose } from "../../client/diagnose/diagnose.ts";
import { CODES, isCode } from "../../telemetry/codes.ts";
import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { sessionArgs } from "../session.ts";
import { writeBundle } from "./bundle.ts";
import { printDiagnosis } from "./table.ts";
import { chooseView, noView } from "./view.ts";

export default command({
  name: "doctor",
  description: "Find out what is wrong, on a gateway, on a relay or from a client, and what to do about it",
  args: {
    resource: { type: "positional", required: false, description: "Name of a resource: the whole way to it" },
    gateway: {
      type: "string",
      description: "A gateway on this machine; with --target the way to a target behind it",
      valueHint: "name",
    },
    relay: { type: "string", description: "A relay on this machine", valueHint: "name" },
    pki: {
      type: "string",
      description: "Directory of `ca issue` of a gateway, a relay or a client: no platform is asked",
      valueHint: "dir",
    },
    target: { type: "string", description: "host:port as the gateway sees it", valueHint: "host:port" },
    allow: {
      type: "string",
      description: "On a gateway: a rule that `gateway start` was given; repeatable",
      valueHint: "target",
    },
    deny: { type: "string", description: "The same, for --deny; repeatable", valueHint: "target" },
    json: { type: "boolean", description: "Print one JSON document" },
    bundle: {
      type: "string",
      description: "Also write an archive (tar.gz) for whoever helps, without secrets",
      valueHint: "file",
    },
    ...sessionArgs,
  },
  async run({ args, repeated }) {
    const around = thisPlace();
    const rules = { allow: repeated("allow"), deny: repeated("deny") };
    const view = await chooseView({ args, rules }, around).catch(async (error: unknown) => {
      // Scripts get their one document also when there is nothing that could be looked at.
      if (args.json) printJson(await diagnose(noView(args, error)));
      throw error;
    });
    const diagnosis = await diagnose(view);
    if (args.json) printJson(diagnosis);
    else printDiagnosis(diagnosis);
    if (args.bundle !== undefined) {
      await writeBundle(args.bundle, diagnosis, view, around.env);
      say(`Wrote ${args.bundle}: look at it before you send it.`);
    }
    process.exitCode = exitCodeOf(diagnosis);
  },
});

/** 0 when nothing failed, otherwise that of the cause. */
function exitCodeOf({ cause }: Diagnosis): number {
  if (!cause) return 0;
  return isCode(cause.code) ? CODES[cause.code] : 1;
}
