import { command } from "../command.ts";
import { printJson, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "invitations",
  description: "List the invitations that nobody has used yet",
  args: { ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const invitations = await (await openSession(args)).people.invitations();
    if (args.json) return printJson(invitations);
    printTable(
      ["E-MAIL", "ROLE", "UNTIL", "ID"],
      invitations.map(({ email, role, expiresAt, id }) => [email, role.name, expiresAt ?? "", id]),
    );
  },
});
