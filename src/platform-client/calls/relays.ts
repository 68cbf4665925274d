import { z } from "zod";
import {
  type AuthMethodRequest,
  authMethodView,
  type EnrollmentToken,
  enrollmentTokenAnswer,
  methodAnswer,
} from "./agent-login.ts";
import { type Ask, Calls, del, get, patch, path, post } from "./calls.ts";
import { id, messageAnswer, name, port, time } from "./fields.ts";
import { healthAnswer } from "./health.ts";

const relayRow = z.object({
  id,
  /** null = shared by every organisation of the instance. */
  orgId: z.string().max(64).nullish(),
  name,
  host: name,
  heartbeat: time,
  createdAt: time,
  /** Only from Sallyport's platform; absent = 2222 and 8443. */
  sshPort: port.optional(),
  tlsPort: port.optional(),
  /** Gateways that name no relay may choose it; only from Sallyport's platform. */
  autoSelect: z.boolean().optional(),
  /** Not in lists; null for an instance relay. */
  authMethod: authMethodView.nullish(),
  health: healthAnswer.optional(),
});
export type RelayRow = z.infer<typeof relayRow>;
const relayRows = z.array(relayRow).max(10_000);

/** An organisation's relays, and those that the instance shares. */
export class RelayCalls extends Calls {
  list(ask: Ask = {}): Promise<RelayRow[]> {
    return this.call({ ...get("/v1/relays", ask), answer: relayRows });
  }

  create(body: {
    name: string;
    host: string;
    /** Shared by all organisations. */
    instance?: boolean;
    authMethod?: AuthMethodRequest;
  }): Promise<RelayRow> {
    const full = { authMethod: { method: "token" }, ...body };
    return this.call({ ...post("/v2/relays", full), answer: relayRow });
  }

  get(relayId: string): Promise<RelayRow> {
    return this.call({ ...get(path`/v2/relays/${relayId}`), answer: relayRow });
  }

  /** `authMethod` counts from the next login on; who is logged in stays so. */
  update(
    relayId: string,
    body: { host?: string; autoSelect?: boolean; authMethod?: AuthMethodRequest },
  ): Promise<RelayRow> {
    return this.call({ ...patch(path`/v2/relays/${relayId}`, body), answer: relayRow });
  }

  generateToken(relayId: string): Promise<EnrollmentToken> {
    const where = path`/v2/relays/${relayId}/token-auth/generate-enrollment-token`;
    return this.call({ ...post(where, {}), answer: enrollmentTokenAnswer });
  }

  /** @returns how it logs in: by "aws" and "kubernetes" it may do so again */
  async revoke(relayId: string): Promise<string> {
    const call = post(path`/v2/relays/${relayId}/revoke`, {});
    return (await this.call({ ...call, answer: methodAnswer })).method;
  }

  /** Its process takes nothing new and ends; gateways are told to move first. */
  async drain(relayId: string): Promise<void> {
    await this.call({ ...post(path`/v1/relays/${relayId}/drain`, {}), answer: messageAnswer });
  }

  /** Has the platform look at both ports of the relay now. What it found is in the answer, whatever that is. */
  check(relayId: string): Promise<RelayRow> {
    return this.call({ ...post(path`/v1/relays/${relayId}/health-check`, {}), answer: relayRow });
  }

  async delete(relayId: string): Promise<void> {
    await this.call({ ...del(path`/v1/relays/${relayId}`), answer: relayRow });
  }
}
