import { requirePoolName } from "../../host/names.ts";
import { command } from "../command.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findPool, poolArg } from "./find.ts";

export default command({
  name: "update",
  description: "Rename a pool",
  args: {
    pool: poolArg,
    name: { type: "string", required: true, description: "Its new name", valueHint: "name" },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const name = requirePoolName(args.name);
    const client = await openSession(args);
    const before = await findPool(client, args.pool);
    const pool = await client.pools.update(before.id, { name });
    if (args.json) return printJson(pool);
    say(`The pool ${before.name} is called ${pool.name} now.`);
  },
});
