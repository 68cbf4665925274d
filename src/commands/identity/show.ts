import { command } from "../command.ts";
import { printJson, printLine } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { identityArg } from "./flags.ts";

export default command({
  name: "show",
  description: "Show a machine identity",
  args: { identity: identityArg, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const identity = await (await openSession(args)).identities.get(args.identity);
    if (args.json) return printJson(identity);
    const lines = [
      ["Name", identity.name],
      ["Id", identity.id],
      ["Client id", identity.clientId],
      ["Role", identity.roleName ?? identity.role],
      ["Secrets", String(identity.secretCount)],
      ["Access tokens", `good for ${identity.accessTokenTTL} s, renewed for ${identity.accessTokenMaxTTL} s`],
      ["Runs as gateway", identity.gatewayName ?? "-"],
      ["Runs as relay", identity.relayName ?? "-"],
      ["Last login", identity.lastLoginAt ?? "never"],
      ["Created", identity.createdAt ?? "-"],
    ];
    for (const [title = "", value = ""] of lines) printLine(`${title.padEnd(16)} ${value}`);
  },
});
