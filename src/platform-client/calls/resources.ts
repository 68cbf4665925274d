import { z } from "zod";
import { RESOURCE_KINDS, type ResourceKind } from "../resource-kinds.ts";
import { type Ask, Calls, del, get, patch, path, post } from "./calls.ts";
import { id, name, port, text, time } from "./fields.ts";

/** Behind a gateway or behind a pool, by id or by name. */
interface ResourcePlace {
  gatewayId?: string;
  gatewayName?: string;
  poolId?: string;
  poolName?: string;
}

/** What a resource may be told to be; all of it but `name`, `host` and a place may be left out. */
export interface ResourceFields extends ResourcePlace {
  name?: string;
  host?: string;
  /** The kind's usual one unless told. */
  port?: number;
  kind?: ResourceKind;
}

const resourceRow = z.object({
  id,
  name,
  /** Behind a gateway or behind a pool: the other two are null. */
  gatewayId: id.nullish(),
  gatewayName: name.nullish(),
  poolId: id.nullish(),
  poolName: name.nullish(),
  host: name,
  port,
  kind: z.enum(RESOURCE_KINDS),
  createdAt: time,
});
export type ResourceRow = z.infer<typeof resourceRow>;

const checkedResource = resourceRow.extend({ warnings: z.array(text).max(20).default([]) });
export type CheckedResource = z.infer<typeof checkedResource>;

/** Named targets behind gateways and pools. */
export class ResourceCalls extends Calls {
  list(ask: Ask = {}): Promise<ResourceRow[]> {
    return this.call({ ...get("/v1/resources", ask), answer: z.array(resourceRow).max(10_000) });
  }

  create(body: ResourceFields & { name: string; host: string }): Promise<CheckedResource> {
    return this.call({ ...post("/v1/resources", body), answer: checkedResource });
  }

  get(idOrName: string): Promise<ResourceRow> {
    return this.call({ ...get(path`/v1/resources/${idOrName}`), answer: resourceRow });
  }

  /** Another target or place cuts what is open to the former one. */
  update(idOrName: string, body: ResourceFields): Promise<CheckedResource> {
    return this.call({ ...patch(path`/v1/resources/${idOrName}`, body), answer: checkedResource });
  }

  async delete(idOrName: string): Promise<void> {
    await this.call({ ...del(path`/v1/resources/${idOrName}`), answer: resourceRow });
  }
}
