import { command } from "../command.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findPool, poolArg } from "./find.ts";

export default command({
  name: "delete",
  description: "Delete a pool, which no resource may be behind; its gateways are left alone",
  args: { pool: poolArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const pool = await findPool(client, args.pool);
    await client.pools.delete(pool.id);
    say(`Deleted the pool ${pool.name}.`);
  },
});
