import { command } from "../command.ts";
import { printJson, printLine, printTable } from "../output.ts";
import { openSession, sessionArgs } from "../session.ts";
import { findPool, poolArg } from "./find.ts";

export default command({
  name: "show",
  description: "Show a pool: its gateways, how they are and how busy",
  args: { pool: poolArg, ...sessionArgs, json: { type: "boolean", description: "Print JSON" } },
  async run({ args }) {
    const client = await openSession(args);
    const pool = await client.pools.get((await findPool(client, args.pool)).id);
    if (args.json) return printJson(pool);
    printLine(`Name       ${pool.name}`);
    printLine(`Id         ${pool.id}`);
    printLine(`Created    ${pool.createdAt ?? "unknown"}`);
    printLine(`Resources  ${pool.connectedResourcesCount}`);
    printLine("");
    printTable(
      ["GATEWAY", "STATUS", "CONNECTIONS", "LAST SEEN", "ID"],
      pool.gateways.map(({ name, status, suspect, load, heartbeat, id }) => [
        name,
        suspect ? `${status}, has just failed` : status,
        load === null ? "not reported" : String(load),
        heartbeat ?? "never",
        id,
      ]),
    );
  },
});
