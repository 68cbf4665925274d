import { z } from "zod";
import type { Transport } from "./transport.ts";

const time = z.string().max(64);

const authorities = z.object({
  generation: z.number().int(),
  rotation: z
    .object({
      phase: z.string().max(32),
      startedAt: time,
      since: time,
      nextPhaseAt: time,
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
export class AuthorityCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async show(owner: AuthorityOwner): Promise<AuthoritiesState> {
    return await this.#transport.call({ method: "GET", path: pathOf(owner), answer: authorities });
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
    const path = `${pathOf(owner)}/${verb}`;
    return await this.#transport.call({ method: "POST", path, body, answer: authorities });
  }
}

function pathOf(owner: AuthorityOwner): string {
  return owner === "instance" ? "/v1/instance/authorities" : "/v1/authorities";
}
