import { findDaemons, type LocalDaemon } from "../../host/control/find.ts";
import { type Machine, type Role, thisMachine } from "../../host/paths.ts";
import { printJson, printTable, say } from "../output.ts";

/** `list --local`: every gateway or relay of this machine, whether it runs or not. */
export async function listLocal(role: Role, json: boolean, machine: Machine = thisMachine()): Promise<void> {
  const daemons = await findDaemons(role, machine);
  if (json) {
    return printJson(
      daemons.map(({ name, status, problem }) => status ?? { role, name, state: "stopped", problem }),
    );
  }
  if (daemons.length === 0) say(`There is no ${role} on this machine that this user may see.`);
  else
    printTable(["NAME", "STATE", "PROCESS", headingOf(role), "CONNECTIONS", "CONDITION"], daemons.map(rowOf));
}

function headingOf(role: Role): string {
  return role === "gateway" ? "TUNNELS" : "GATEWAYS";
}

function rowOf({ name, status, problem }: LocalDaemon): string[] {
  if (!status) return [name, problem === undefined ? "stopped" : "unknown", "", "", "", problem ?? ""];
  const { state, pid, tunnels, gateways, connections, conditions } = status;
  const up = tunnels?.filter((tunnel) => tunnel.state === "up").length;
  const reach = tunnels ? `${up}/${tunnels.length}` : String(gateways?.total ?? 0);
  return [name, state, String(pid), reach, String(connections.open), conditions[0]?.code ?? ""];
}
