import { requirePoolName } from "../../host/names.ts";
import { command } from "../command.ts";
import { findGateway } from "../gateway/find.ts";
import { printJson, say } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";

export default command({
  name: "create",
  description: "Create a pool of gateways; resources behind it use whichever member is up and least busy",
  args: {
    pool: { type: "positional", required: true, description: "Name of the new pool", valueHint: "name" },
    gateway: {
      type: "string",
      description: "A gateway to put into it; may be given several times",
      valueHint: "name",
    },
    ...sessionArgs,
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args, repeated }) {
    const name = requirePoolName(args.pool);
    const client = await openSession(args);
    const gateways: { id: string; name: string }[] = [];
    for (const named of repeated("gateway")) gateways.push(await findGateway(client, named));
    const pool = await client.pools.create({ name });
    for (const gateway of gateways) await client.pools.addMember(pool.id, gateway.id);
    if (args.json) return printJson({ ...pool, memberGatewayIds: gateways.map(({ id }) => id) });
    say(`Created the pool ${name} (${pool.id}).`);
    if (gateways.length === 0) say(`Put gateways into it: sallyport pool add ${name} <gateway>`);
    else say(`Its gateways: ${gateways.map((gateway) => gateway.name).join(", ")}.`);
  },
});
