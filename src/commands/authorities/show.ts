import { command } from "../command.ts";
import { openSession } from "../session.ts";
import { authorityArgs, ownerOf, printState } from "./state.ts";

export default command({
  name: "show",
  description: "Show which certificate authorities issue, and how far a rotation is",
  args: authorityArgs,
  async run({ args }) {
    const client = await openSession(args);
    printState(await client.authorities.show(ownerOf(args)), args.json ?? false);
  },
});
