import { command } from "../command.ts";
import { findGateway } from "../gateway/find.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findPool, memberArg, poolArg } from "./find.ts";

export default command({
  name: "add",
  description: "Put a gateway into a pool; a gateway may be in several",
  args: { pool: poolArg, gateway: memberArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const pool = await findPool(client, args.pool);
    const gateway = await findGateway(client, args.gateway);
    await client.pools.addMember(pool.id, gateway.id);
    say(`The gateway ${gateway.name} is in the pool ${pool.name} now.`);
  },
});
