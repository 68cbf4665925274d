import { command } from "../../command.ts";
import { printJson, printTable } from "../../output.ts";
import { openSession, sessionArgs } from "../../session.ts";
import { identityArg } from "../flags.ts";

export default command({
  name: "list",
  description: "List the client secrets of a machine identity, without the secrets themselves",
  args: { identity: identityArg, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const secrets = await (await openSession(args)).identities.listSecrets(args.identity);
    if (args.json) return printJson(secrets);
    printTable(
      ["ID", "BEGINS WITH", "LOGINS", "LAST USED", "EXPIRES", "DESCRIPTION"],
      secrets.map((secret) => [
        secret.id,
        secret.clientSecretPrefix,
        `${secret.clientSecretNumUses}/${secret.clientSecretNumUsesLimit || "unlimited"}`,
        secret.lastUsedAt ?? "never",
        secret.expiresAt ?? "never",
        secret.description || "-",
      ]),
    );
  },
});
