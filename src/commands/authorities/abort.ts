import { command } from "../command.ts";
import { openSession } from "../session.ts";
import { authorityArgs, ownerOf, printState } from "./state.ts";

export default command({
  name: "abort",
  description: "Take the new authorities back, as long as they issue nothing",
  args: authorityArgs,
  async run({ args }) {
    const client = await openSession(args);
    printState(await client.authorities.abort(ownerOf(args)), args.json ?? false);
  },
});
