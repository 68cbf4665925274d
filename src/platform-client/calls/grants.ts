import { z } from "zod";
import { Calls, del, get, path, post } from "./calls.ts";
import { id, name, time } from "./fields.ts";

/** A person or a machine identity of the organisation: one of the four. */
export interface Grantee {
  userId?: string;
  email?: string;
  identityId?: string;
  identityName?: string;
}

const grantRow = z.object({
  id,
  resourceId: id,
  /** Of a person, or of a machine identity, which an older platform does not have. */
  userId: id.nullable(),
  email: name.nullable(),
  identityId: id.nullish(),
  identityName: name.nullish(),
  /** null = until it is taken back. */
  endsAt: time,
  createdAt: time,
  lastUsedAt: time,
});
export type GrantRow = z.infer<typeof grantRow>;

const endedAnswer = z.object({ ended: z.number().int() });

/** Who may use which resource; each call is about one, by id or name. */
export class GrantCalls extends Calls {
  list(resource: string): Promise<GrantRow[]> {
    return this.call({ ...get(grantsOf(resource)), answer: z.array(grantRow).max(10_000) });
  }

  /** @param body `endsAt` is RFC 3339; without it the grant lasts until it is taken back */
  create(resource: string, body: Grantee & { endsAt?: string }): Promise<GrantRow> {
    return this.call({ ...post(grantsOf(resource), body), answer: grantRow });
  }

  /** Also cuts what the person has open to the resource. */
  delete(resource: string, body: Grantee): Promise<GrantRow> {
    return this.call({ ...del(grantsOf(resource), body), answer: grantRow });
  }

  /** Cuts what people have open to the resource, one person's or everybody's. @returns certificates ended */
  async revokeAccess(resource: string, whose: Grantee = {}): Promise<number> {
    const call = post(path`/v1/resources/${resource}/access/revoke`, whose);
    return (await this.call({ ...call, answer: endedAnswer })).ended;
  }
}

function grantsOf(resource: string): string {
  return path`/v1/resources/${resource}/grants`;
}
