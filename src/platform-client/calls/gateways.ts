import { z } from "zod";
import {
  type AuthMethodRequest,
  authMethodView,
  type EnrollmentToken,
  enrollmentTokenAnswer,
  methodAnswer,
} from "./agent-login.ts";
import { type Ask, Calls, del, get, patch, path, post } from "./calls.ts";
import { id, messageAnswer, name, time } from "./fields.ts";
import { healthAnswer } from "./health.ts";

const gatewayHealth = healthAnswer.extend({
  tunnels: z
    .array(z.object({ relayId: id, relayName: name, state: z.string().max(32), since: time }))
    .max(100),
});

const gatewayRow = z.object({
  id,
  name,
  relayId: z.string().max(64).nullish(),
  heartbeat: time,
  heartbeatTTL: z.number().nullish(),
  createdAt: time,
  health: gatewayHealth.optional(),
  /** Not in lists. */
  authMethod: authMethodView.optional(),
});
export type GatewayRow = z.infer<typeof gatewayRow>;
const gatewayRows = z.array(gatewayRow).max(10_000);

/** An organisation's gateways. */
export class GatewayCalls extends Calls {
  list(ask: Ask = {}): Promise<GatewayRow[]> {
    return this.call({ ...get("/v2/gateways", ask), answer: gatewayRows });
  }

  create(body: { name: string; authMethod?: AuthMethodRequest }): Promise<GatewayRow> {
    const full = { authMethod: { method: "token" }, ...body };
    return this.call({ ...post("/v3/gateways", full), answer: gatewayRow });
  }

  get(gatewayId: string): Promise<GatewayRow> {
    return this.call({ ...get(path`/v3/gateways/${gatewayId}`), answer: gatewayRow });
  }

  /** `authMethod` counts from the next login on; who is logged in stays so. */
  update(gatewayId: string, body: { name?: string; authMethod?: AuthMethodRequest }): Promise<GatewayRow> {
    return this.call({ ...patch(path`/v3/gateways/${gatewayId}`, body), answer: gatewayRow });
  }

  generateToken(gatewayId: string): Promise<EnrollmentToken> {
    const where = path`/v3/gateways/${gatewayId}/token-auth/generate-enrollment-token`;
    return this.call({ ...post(where, {}), answer: enrollmentTokenAnswer });
  }

  /** @returns how it logs in: by "aws" and "kubernetes" it may do so again */
  async revoke(gatewayId: string): Promise<string> {
    const call = post(path`/v3/gateways/${gatewayId}/revoke`, {});
    return (await this.call({ ...call, answer: methodAnswer })).method;
  }

  async delete(gatewayId: string): Promise<void> {
    await this.call({ ...del(path`/v2/gateways/${gatewayId}`), answer: gatewayRow });
  }

  /** Has the platform probe the gateway now; a refusal says why it can't be reached. */
  async check(gatewayId: string): Promise<void> {
    await this.call({ ...post(path`/v2/gateways/${gatewayId}/heartbeat`, {}), answer: messageAnswer });
  }
}
