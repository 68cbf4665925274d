import { createRoute, OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { SallyportError } from "../../telemetry/error.ts";
import type { Actor, GatewayActor, Person, RelayActor } from "../services/actors.ts";
import { actorOf, isRelayAuthSecret } from "../services/authentication.ts";
import type { Core } from "../services/core.ts";
import { supersededHolder } from "../services/superseded.ts";
import type { ApiEnv } from "./env.ts";
import { ValidationFailure } from "./refusals.ts";

/** Who may call a route. `anyone` = without a token. */
export type Access = Actor["kind"];

const DECLARED = "x-access";

/**
 * A route with who may call it: the only way to make one, because `requireDeclaredAccess` stops the start over any
 * other. The caller is in `c.var.actor` before anything of the request is parsed.
 */
export function declareRoute<
  P extends string,
  R extends Omit<RouteConfig, "path" | "middleware" | "security"> & { path: P },
>(access: Access[], config: R) {
  const declaration = {
    [DECLARED]: access,
    middleware: [authenticate(access)],
    security: access.includes("anyone") ? [] : [{ bearer: [] }],
  };
  return createRoute({ ...config, ...declaration });
}

/** A set of routes; their requests are checked by their schemas (422). */
export function routes(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw new ValidationFailure(explain(result.error.issues));
    },
  });
}

/** @throws SallyportError INTERNAL naming the first route without declared access */
export function requireDeclaredAccess(app: OpenAPIHono<ApiEnv>): void {
  const declared = new Set<string>();
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const access: unknown = definition.route[DECLARED];
    if (!Array.isArray(access) || access.length === 0) continue;
    const path = definition.route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    declared.add(`${definition.route.method.toUpperCase()} ${path}`);
  }
  for (const { method, path } of app.routes) {
    if (method === "ALL" || declared.has(`${method} ${path}`)) continue;
    throw new SallyportError("INTERNAL", `The route ${method} ${path} does not declare who may call it.`);
  }
}

/** For a route whose access includes others too. @throws SallyportError FORBIDDEN */
export function requirePerson(actor: Actor): Person {
  return actor.kind === "person" ? actor : forbidden("people");
}

/** @throws SallyportError FORBIDDEN */
export function requireGateway(actor: Actor): GatewayActor {
  return actor.kind === "gateway" ? actor : forbidden("gateways");
}

/** @throws SallyportError FORBIDDEN */
export function requireRelay(actor: Actor): RelayActor {
  return actor.kind === "relay" ? actor : forbidden("relays");
}

/** For an answer that takes long: asks again whether the token that opened it still counts. */
export function holderCheck(c: Context<ApiEnv>): () => Promise<boolean> {
  const { core } = c.var.services;
  const token = bearer(c.req.header("authorization"));
  const { kind, address } = c.var.actor;
  return async () => (await holderOf(core, [kind], token, address)) !== undefined;
}

function authenticate(access: Access[]) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const { core } = c.var.services;
    const address = c.env.address;
    if (access.includes("anyone")) {
      c.set("actor", { kind: "anyone", address });
      return await next();
    }
    const token = bearer(c.req.header("authorization"));
    const actor = await holderOf(core, access, token, address);
    if (!actor && access.every((kind) => kind === "relay-secret")) {
      throw new SallyportError("UNAUTHENTICATED", "Invalid relay auth secret");
    }
    if (!actor) {
      throw new SallyportError(
        "UNAUTHENTICATED",
        "The token is missing, revoked or expired: log in or enroll again.",
      );
    }
    if (!access.includes(actor.kind)) forbidden(access.join(" or "));
    c.set("actor", actor);
    await next();
  });
}

/** The shared secret of instance relays is looked at only where it opens anything. */
async function holderOf(
  core: Core,
  access: Access[],
  token: string | undefined,
  address: string,
): Promise<Actor | undefined> {
  if (token === undefined) return undefined;
  if (access.includes("relay-secret") && isRelayAuthSecret(core, token)) {
    return { kind: "relay-secret", address };
  }
  if (access.every((kind) => kind === "relay-secret")) return undefined;
  const actor = await actorOf(core, token, address);
  if (actor || !access.includes("superseded")) return actor;
  return await supersededHolder(core, token, address);
}

function bearer(header: string | undefined): string | undefined {
  return /^Bearer ([\x20-\x7e]+)$/i.exec(header ?? "")?.[1];
}

function forbidden(whom: string): never {
  throw new SallyportError("FORBIDDEN", `This call is not for the holder of this token, but for: ${whom}.`);
}

/** Where and what, never the value: it may be a secret. */
function explain(issues: { path: PropertyKey[]; message: string }[]): string {
  return issues
    .slice(0, 5)
    .map(
      (issue) => `${issue.path.map(String).join(".").slice(0, 80) || "body"}: ${issue.message.slice(0, 200)}`,
    )
    .join("; ");
}
