import { identityToken, makeIdentity } from "../identities.ts";
import type { Tenant, TestPlatform } from "../platform.ts";

/** In every name and host of the organisation that nobody who calls belongs to. */
export const CANARY = "zebrafinch";

export interface FuzzScene {
  /** Bearer tokens by who holds them; undefined = nobody. */
  actors: Map<string, string | undefined>;
  /** Ids and names of the callers' organisation, by kind; none of them is a caller's own. */
  own: Map<string, string[]>;
  /** Ids of the canary's. */
  foreign: Map<string, string[]>;
}

/** More of a kind than requests that delete one will find. */
const OF_EACH = 6;

/** Two organisations with everything in them that a route can be about. */
export async function setScene(platform: TestPlatform, relaySecret: string): Promise<FuzzScene> {
  const acme = await platform.tenant("acme");
  const other = await platform.tenant(CANARY);
  const root = await platform.tenant("root", true);
  const member = await platform.member(acme, "member");
  const gateway = await platform.gateway(acme, "caller");
  const relay = await platform.relay(acme, "caller");
  const own = await furnish(platform, acme, "office", OF_EACH);
  const foreign = await furnish(platform, other, CANARY, 1);
  foreign.set("members", [other.userId]);
  return {
    actors: new Map([
      ["administrator", acme.token],
      ["member", member.token],
      ["identity", await identityToken(platform, await makeIdentity(platform, acme, "caller"))],
      ["gateway", gateway.token],
      ["relay", relay.token],
      ["relay-secret", relaySecret],
      ["instance administrator", root.token],
      ["nobody", undefined],
    ]),
    own,
    foreign,
  };
}

async function furnish(platform: TestPlatform, tenant: Tenant, name: string, count: number) {
  const made = new Map<string, string[]>();
  const { token } = tenant;
  const note = (kind: string, id: string) => {
    made.set(kind, [...(made.get(kind) ?? []), id]);
    return id;
  };
  const make = async (kind: string, path: string, body: object): Promise<string> => {
    const { status, body: answer } = await platform.call("POST", path, { token, body });
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`);
    return note(kind, String(answer.id));
  };
  for (let i = 0; i < count; i++) {
    const named = `${name}-${i}`;
    const gateway = await platform.gateway(tenant, named);
    const relay = await platform.relay(tenant, named);
    note("gateways", gateway.id);
    note("relays", relay.id);
    await platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body: { relayName: named } });
    const pool = await make("gateway-pools", "/v2/gateway-pools", { name: named });
    await platform.call("POST", `/v2/gateway-pools/${pool}/memberships`, {
      token,
      body: { gatewayId: gateway.id },
    });
    const target = { gatewayName: named, host: `${named}.internal`, port: 5432 };
    const resource = await make("resources", "/v1/resources", { name: named, ...target });
    const identity = await makeIdentity(platform, tenant, named, { role: "member" });
    note("identities", identity.id);
    note("client-secrets", identity.secretId);
    await make("roles", "/v1/roles", { name: named, rights: ["list-gateways"] });
    await make("invitations", "/v1/invitations", { email: `invited-${named}@example.com` });
    await make("tokens", "/v1/auth/tokens", { name: named });
    await make("destinations", "/v1/alerts/destinations", { name: named, kind: "log" });
    const person = await platform.member(tenant, `person-${named}`);
    note("members", person.userId);
    await platform.call("POST", `/v1/resources/${resource}/grants`, {
      token,
      body: { userId: person.userId },
    });
  }
  return made;
}
