import type { FuzzedRoute, Schema } from "./description.ts";
import type { Dice } from "./dice.ts";
import type { FuzzRequest } from "./judge.ts";
import { placesIn, withNasty, without } from "./mutate.ts";
import { NASTY_PARAMETERS, type NastyBody, nastyBodies } from "./nasty.ts";
import { type Sampling, sample } from "./sample.ts";
import type { FuzzScene } from "./scene.ts";

/** Everything that a request to a route is made of. */
interface Parts {
  parameters: Map<string, string | undefined>;
  body: NastyBody | undefined;
}

/** Nasty texts that each parameter gets. */
const NASTY_EACH = 8;

/** Requests to one route: a right one, then each part of it in turn missing, wrong or hostile. */
export class RequestMaker {
  readonly #dice: Dice;
  readonly #scene: FuzzScene;
  readonly #sampling: Sampling;

  constructor(scene: FuzzScene, dice: Dice, resolve: (schema: Schema) => Schema) {
    this.#dice = dice;
    this.#scene = scene;
    this.#sampling = { dice, resolve, known: (name) => this.#known(name, []) };
  }

  /** As right as a description can say. */
  right(route: FuzzedRoute, actor: string): FuzzRequest {
    return this.#request(route, actor, this.#parts(route).parts);
  }

  /** Each parameter and each field in turn. */
  *wrong(route: FuzzedRoute, actor: string): Generator<FuzzRequest> {
    const { parts, json } = this.#parts(route);
    for (const { name, in: where } of route.parameters) {
      const texts = this.#dice.shuffled(NASTY_PARAMETERS).slice(0, NASTY_EACH);
      for (const text of where === "path" ? texts : [undefined, ...texts]) {
        yield this.#request(route, actor, {
          ...parts,
          parameters: new Map(parts.parameters).set(name, text),
        });
      }
    }
    if (json === undefined) {
      const body: NastyBody = { bytes: new TextEncoder().encode('{"unasked":['), type: "application/json" };
      if (route.method !== "GET") yield this.#request(route, actor, { ...parts, body });
      return;
    }
    for (const place of placesIn(json)) {
      yield this.#request(route, actor, { ...parts, body: asBody(without(json, place)) });
      for (const value of withNasty(json, place, this.#dice)) {
        yield this.#request(route, actor, { ...parts, body: asBody(value) });
      }
    }
    for (const body of nastyBodies(JSON.stringify(json))) {
      yield this.#request(route, actor, { ...parts, body });
    }
  }

  #parts(route: FuzzedRoute): { parts: Parts; json: unknown } {
    const words = route.path.split("/").filter((word) => word !== "" && !word.startsWith("{"));
    const parameters = new Map<string, string | undefined>();
    for (const { name, in: where, schema } of route.parameters) {
      const inPath = where === "path" ? this.#known(name, words) : undefined;
      const value = inPath ?? sample(schema, name, this.#sampling);
      if (where === "path" || this.#dice.chance(0.7)) parameters.set(name, encodeURIComponent(String(value)));
    }
    const json = route.body && sample(route.body, "", this.#sampling);
    return { parts: { parameters, body: json === undefined ? undefined : asBody(json) }, json };
  }

  /** Mostly something of the caller's organisation, sometimes of the other one. */
  #known(name: string, words: string[]): string | undefined {
    const kind = KINDS[name] ?? words.toReversed().find((word) => this.#scene.own.has(word));
    if (kind === undefined) return OTHERWISE_KNOWN[name];
    const where = this.#dice.chance(0.3) ? this.#scene.foreign : this.#scene.own;
    return this.#dice.of(where.get(kind) ?? [crypto.randomUUID()]);
  }

  #request(route: FuzzedRoute, actor: string, { parameters, body }: Parts): FuzzRequest {
    const token = this.#scene.actors.get(actor);
    const headers: Record<string, string> = {};
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (body?.type !== undefined) headers["content-type"] = body.type;
    const query: string[] = [];
    let path = route.path;
    for (const { name, in: where } of route.parameters) {
      const value = parameters.get(name);
      if (where === "path") path = path.replace(`{${name}}`, value ?? "x");
      else if (value === undefined) continue;
      else if (where === "query") query.push(`${name}=${value}`);
      else headers[name] = value.slice(0, 4000);
    }
    const { method } = route;
    return {
      ...{ actor, method, headers, route: `${method} ${route.path}` },
      path: query.length === 0 ? path : `${path}?${query.join("&")}`,
      body: method === "GET" ? undefined : body?.bytes,
    };
  }
}

/** Whose ids a field or parameter holds. */
const KINDS: Record<string, string> = {
  gatewayId: "gateways",
  gatewayIds: "gateways",
  relayId: "relays",
  poolId: "gateway-pools",
  gatewayPoolId: "gateway-pools",
  userId: "members",
  identityId: "identities",
  secretId: "client-secrets",
  resourceId: "resources",
  role: "roles",
};

/** What the schema alone does not tell. */
const OTHERWISE_KNOWN: Record<string, string> = {
  host: "203.0.113.9",
  targetHost: "db.internal",
  relayName: "office-0",
  relayNames: "office-0",
  gatewayName: "office-0",
};

function asBody(value: unknown): NastyBody {
  return { bytes: new TextEncoder().encode(JSON.stringify(value) ?? ""), type: "application/json" };
}
