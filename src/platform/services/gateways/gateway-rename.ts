import { SallyportError } from "../../../telemetry/error.ts";
import { insertAudit } from "../../store/audit.ts";
import { renameGatewayRow } from "../../store/gateways.ts";
import { byHolder, type Holder } from "../actors.ts";
import type { Core } from "../core.ts";
import { getGateway } from "./gateways.ts";

/**
 * Its id stays, and so does everything that hangs on it; its machine may go on calling it by the former name.
 * @throws SallyportError NOT_FOUND, ALREADY_EXISTS
 */
export async function renameGateway(core: Core, holder: Holder, id: string, name: string): Promise<void> {
  const gateway = await getGateway(core, holder, id);
  if (gateway.name === name) return;
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    if (!(await renameGatewayRow(sql, { id, orgId: holder.orgId, name, now }))) {
      const text = `There is a gateway named ${name} already: choose another name.`;
      throw new SallyportError("ALREADY_EXISTS", text);
    }
    const detail = { gatewayId: id, name, before: gateway.name };
    await insertAudit(sql, { ...byHolder(holder), event: "GATEWAY_UPDATE", detail }, now);
  });
}
