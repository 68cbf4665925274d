import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "list",
  description: "List the machine identities of your organisation",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const identities = await (await openSession(args)).identities.list();
    if (args.json) return printJson(identities);
    printTable(
      ["NAME", "ROLE", "SECRETS", "LAST LOGIN", "RUNS AS", "CLIENT ID"],
      identities.map(
        ({ name, role, roleName = role, secretCount, lastLoginAt, gatewayName, relayName, clientId }) => [
          name,
          roleName,
          String(secretCount),
          lastLoginAt ?? "never",
          [gatewayName && `gateway ${gatewayName}`, relayName && `relay ${relayName}`]
            .filter(Boolean)
            .join(", ") || "-",
          clientId,
        ],
      ),
    );
  },
});
