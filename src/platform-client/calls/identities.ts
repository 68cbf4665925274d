import { z } from "zod";
import type { AgentReport } from "../agent-report.ts";
import { type Ask, Calls, del, get, patch, path, post } from "./calls.ts";
import { messageAnswer, seconds, short, text, time } from "./fields.ts";
import { type GatewayConnect, type GatewayConnectRequest, gatewayConnectAnswer } from "./gateway-agent.ts";
import { type RelayConnect, type RelayRegistration, relayConnectAnswer } from "./relay-agent.ts";

/** PROTOCOL 0.5, as Infisical's platform answers too. */
const identityToken = z.object({
  accessToken: text.min(1),
  expiresIn: seconds,
  accessTokenMaxTTL: seconds,
  tokenType: short,
});
export type IdentityToken = z.infer<typeof identityToken>;

const identityRow = z.object({
  id: short,
  name: short,
  role: short,
  /** Absent from older platforms. */
  roleName: short.optional(),
  clientId: short,
  accessTokenTTL: seconds,
  accessTokenMaxTTL: seconds,
  secretCount: seconds,
  gatewayName: short.nullable(),
  relayName: short.nullable(),
  createdAt: time,
  lastLoginAt: time,
});
export type IdentityRow = z.infer<typeof identityRow>;

const secretRow = z.object({
  id: short,
  description: short,
  clientSecretPrefix: short,
  clientSecretNumUses: seconds,
  clientSecretNumUsesLimit: seconds,
  expiresAt: time,
  createdAt: time,
  lastUsedAt: time,
});
export type SecretRow = z.infer<typeof secretRow>;

const createdSecret = z.object({ clientId: short, clientSecret: text.min(1), clientSecretData: secretRow });
export type CreatedSecret = z.infer<typeof createdSecret>;

/** Times in seconds. */
export interface IdentityFields {
  name?: string;
  role?: string;
  accessTokenTTL?: number;
  accessTokenMaxTTL?: number;
}

/** The calls for and of machine identities (PROTOCOL 0.5, A.1 and A.2). */
export class IdentityCalls extends Calls {
  /** Needs no token. */
  login(clientId: string, clientSecret: string, ask: Ask = {}): Promise<IdentityToken> {
    const body = { clientId, clientSecret };
    return this.call({ ...post("/v1/auth/universal-auth/login", body, ask), answer: identityToken });
  }

  /** Needs no other token. */
  renew(accessToken: string, ask: Ask = {}): Promise<IdentityToken> {
    return this.call({ ...post("/v1/auth/token/renew", { accessToken }, ask), answer: identityToken });
  }

  /** Registers the gateway that the identity is, or renews its certificates. */
  registerGateway(body: GatewayConnectRequest & { name: string }, ask: Ask = {}): Promise<GatewayConnect> {
    return this.call({ ...post("/v2/gateways", body, ask), answer: gatewayConnectAnswer });
  }

  /** Registers the relay that the identity is, or renews its certificates. */
  registerRelay(body: RelayRegistration, ask: Ask = {}): Promise<RelayConnect> {
    return this.call({ ...post("/v1/relays/register-org-relay", body, ask), answer: relayConnectAnswer });
  }

  /** Answers once the platform has reached the relay. */
  async heartbeatRelay(body: { name: string; report?: AgentReport }, ask: Ask = {}): Promise<void> {
    await this.call({ ...post("/v1/relays/heartbeat-org-relay", body, ask), answer: messageAnswer });
  }

  list(): Promise<IdentityRow[]> {
    return this.call({ ...get("/v1/identities"), answer: z.array(identityRow).max(10_000) });
  }

  create(body: IdentityFields & { name: string }): Promise<IdentityRow> {
    return this.call({ ...post("/v1/identities", body), answer: identityRow });
  }

  get(idOrName: string): Promise<IdentityRow> {
    return this.call({ ...get(path`/v1/identities/${idOrName}`), answer: identityRow });
  }

  update(idOrName: string, body: IdentityFields): Promise<IdentityRow> {
    return this.call({ ...patch(path`/v1/identities/${idOrName}`, body), answer: identityRow });
  }

  async delete(idOrName: string): Promise<void> {
    await this.call({ ...del(path`/v1/identities/${idOrName}`), answer: identityRow });
  }

  listSecrets(idOrName: string): Promise<SecretRow[]> {
    const answer = z.array(secretRow).max(1000);
    return this.call({ ...get(secretsOf(idOrName)), answer });
  }

  /** @param body `ttl` in seconds, 0 = until it is revoked; `numUsesLimit` 0 = as often as wanted */
  createSecret(
    idOrName: string,
    body: { description?: string; ttl?: number; numUsesLimit?: number },
  ): Promise<CreatedSecret> {
    return this.call({ ...post(secretsOf(idOrName), body), answer: createdSecret });
  }

  async revokeSecret(idOrName: string, secretId: string): Promise<void> {
    const where = `${secretsOf(idOrName)}${path`/${secretId}/revoke`}`;
    await this.call({ ...post(where, {}), answer: z.object({ clientSecretData: secretRow }) });
  }
}

function secretsOf(idOrName: string): string {
  return path`/v1/auth/universal-auth/identities/${idOrName}/client-secrets`;
}
