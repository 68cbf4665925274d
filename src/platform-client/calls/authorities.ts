import { z } from "zod";
import { Calls, get, post } from "./calls.ts";
import { instant } from "./fields.ts";

const authorities = z.object({
  generation: z.number().int(),
  rotation: z
    .object({
      phase: z.string().max(32),
      startedAt: instant,
      since: instant,
      nextPhaseAt: instant,
      waitingFor: z
        .array(z.object({ kind: z.string().max(32), id: z.string().max(64), name: z.string().max(253) }))
        .max(10_000),
    })
    .nullable(),
});
export type AuthoritiesState = z.infer<typeof authorities>;

/** Whose: the organisation's that one is logged in to, or the instance's, which all are under. */
export type AuthorityOwner = "organisation" | "instance";

/** Certificate authorities and their rotation; only of Sallyport's platform. */
export class AuthorityCalls extends Calls {
  async show(owner: AuthorityOwner): Promise<AuthoritiesState> {
    return await this.call({ ...get(pathOf(owner)), answer: authorities });
  }

  /** Times in seconds. @throws SallyportError CONFLICT while they rotate already */
  async rotate(
    owner: AuthorityOwner,
    body: { overlapSeconds?: number; retireAfterSeconds?: number },
  ): Promise<AuthoritiesState> {
    return await this.#post(owner, "rotate", body);
  }

  /** @throws SallyportError NOT_FOUND when nothing rotates, CONFLICT when it is too late */
  async abort(owner: AuthorityOwner): Promise<AuthoritiesState> {
    return await this.#post(owner, "abort-rotation");
  }

  /** At once: what the present ones signed does not count any more. */
  async replace(owner: AuthorityOwner): Promise<AuthoritiesState> {
    return await this.#post(owner, "replace-compromised");
  }

  async #post(owner: AuthorityOwner, verb: string, body: object = {}): Promise<AuthoritiesState> {
    return await this.call({ ...post(`${pathOf(owner)}/${verb}`, body), answer: authorities });
  }
}

function pathOf(owner: AuthorityOwner): string {
  return owner === "instance" ? "/v1/instance/authorities" : "/v1/authorities";
}
