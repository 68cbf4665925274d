import { command } from "../command.ts";
import { findGateway } from "../gateway/find.ts";
import { say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findPool, memberArg, poolArg } from "./find.ts";

export default command({
  name: "remove",
  description: "Take a gateway out of a pool; what is open through it stays, nothing new goes there",
  args: { pool: poolArg, gateway: memberArg, ...sessionArgs },
  async run({ args }) {
    const client = await openSession(args);
    const pool = await findPool(client, args.pool);
    const gateway = await findGateway(client, args.gateway);
    await client.pools.removeMember(pool.id, gateway.id);
    say(`The gateway ${gateway.name} is no longer in the pool ${pool.name}.`);
  },
});
