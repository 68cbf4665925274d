import { createRoute, OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { SallyportError } from "../../telemetry/error.ts";
import {
  type Actor,
  type Holder,
  type IdentityActor,
  isInstanceAdministrator,
  type Person,
  type RelayActor,
} from "../services/actors.ts";
import type { Core } from "../services/core.ts";
import { actorOf, isRelayAuthSecret } from "../services/login/authentication.ts";
import { supersededHolder } from "../services/login/superseded.ts";
import { isRight, type Right, type Rights, requireRight } from "../services/people/rights.ts";
import type { ApiEnv } from "./env.ts";
import { ValidationFailure } from "./refusals.ts";
import { requireSessionCookie } from "./session-cookie.ts";

/** A kind of caller. `anyone` = without a token. */
export type Kind = Actor["kind"];

/** Those who have rights in an organisation. */
export const HOLDERS = ["person", "identity"] as const satisfies Holder["kind"][];

/**
 * What a holder needs for a route, besides a token that counts: a right in their organisation; nothing, since the route
 * is about themselves (`self`); or to administer the whole instance.
 */
export type Needed = Right | "self" | "instance-administrator";

/** Who may call a route. The short form is for routes that no holder may call. */
export type Access = readonly Kind[] | { to: readonly Kind[]; right: Needed };

const ACCESS = "x-access";
const RIGHT = "x-right";

/**
 * A route with who may call it and, where holders may, the right they need: the only way to make one, because
 * `requireDeclaredAccess` stops the start over any other. Both are checked at every request before anything of it is
 * parsed; the caller is in `c.var.actor`.
 */
export function declareRoute<
  P extends string,
  R extends Omit<RouteConfig, "path" | "middleware" | "security"> & { path: P; summary: string },
>(access: Access, config: R) {
  const { to, right } = "to" in access ? access : { to: access, right: undefined };
  const declaration = {
    [ACCESS]: to,
    ...(right !== undefined && { [RIGHT]: right }),
    middleware: [authenticate(to, right)],
    security: to.includes("anyone") ? [] : securityOf(to),
  };
  return createRoute({ ...config, ...declaration });
}

/** For the OpenAPI document. */
function securityOf(to: readonly Kind[]): Record<string, string[]>[] {
  return to.includes("person") ? [{ bearer: [] }, { session: [] }] : [{ bearer: [] }];
}

/** A set of routes; their requests are checked by their schemas (422). */
export function routes(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw new ValidationFailure(explain(result.error.issues));
    },
  });
}

/** @throws SallyportError INTERNAL naming the first route without declared access, or without the right it needs */
export function requireDeclaredAccess(app: OpenAPIHono<ApiEnv>): void {
  const declared = new Set<string>();
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { method, path, [ACCESS]: access, [RIGHT]: right } = definition.route;
    const name = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
    if (!Array.isArray(access) || access.length === 0) continue;
    if (HOLDERS.some((kind) => access.includes(kind)) !== isNeeded(right)) {
      throw new SallyportError("INTERNAL", `The route ${name} does not declare the right that it needs.`);
    }
    declared.add(name);
  }
  for (const { method, path } of app.routes) {
    if (method === "ALL" || declared.has(`${method} ${path}`)) continue;
    throw new SallyportError("INTERNAL", `The route ${method} ${path} does not declare who may call it.`);
  }
}

function isNeeded(right: unknown): right is Needed {
  return (
    typeof right === "string" && (isRight(right) || right === "self" || right === "instance-administrator")
  );
}

/** @throws SallyportError FORBIDDEN */
export function requireIdentity(actor: Actor): IdentityActor {
  return actor.kind === "identity" ? actor : forbidden("machine identities");
}

/** For a route whose access includes others too. @throws SallyportError FORBIDDEN */
export function requirePerson(actor: Actor): Person {
  return actor.kind === "person" ? actor : forbidden("people");
}

/** @throws SallyportError FORBIDDEN */
export function requireHolder(actor: Actor): Holder {
  return isHolder(actor) ? actor : forbidden("people and machine identities");
}

/** @throws SallyportError FORBIDDEN */
export function requireRelay(actor: Actor): RelayActor {
  return actor.kind === "relay" ? actor : forbidden("relays");
}

/** For an answer that takes long: asks again whether the token that opened it still counts, for as much as then. */
export function holderCheck(c: Context<ApiEnv>): () => Promise<boolean> {
  const { core } = c.var.services;
  const token = tokenOf(c);
  const before = c.var.actor;
  return async () => {
    const actor = await holderOf(core, [before.kind], token, before.address);
    return actor !== undefined && isSameHolder(actor, before) && haveSameRights(actor, before);
  };
}

function authenticate(access: readonly Kind[], right: Needed | undefined) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const { core } = c.var.services;
    const address = c.env.address;
    if (access.includes("anyone")) {
      c.set("actor", { kind: "anyone", address });
      return await next();
    }
    const token = tokenOf(c);
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
    c.var.services.rate.count(actor);
    if (!access.includes(actor.kind)) forbidden(access.join(" or "));
    if (isHolder(actor)) requireNeeded(actor, right);
    c.set("actor", actor);
    await next();
  });
}

/** @throws SallyportError FORBIDDEN naming what is missing */
function requireNeeded(holder: Holder, right: Needed | undefined): void {
  if (right === "self") return;
  if (right !== "instance-administrator" && right !== undefined) return requireRight(holder, right);
  if (isInstanceAdministrator(holder)) return;
  throw new SallyportError("FORBIDDEN", "This is for administrators of the whole instance only.");
}

function isHolder(actor: Actor): actor is Holder {
  return actor.kind === "person" || actor.kind === "identity";
}

/** A session may have gone on in another organisation. */
function isSameHolder(one: Actor, other: Actor): boolean {
  const place = (actor: Actor) => ("orgId" in actor ? actor.orgId : null);
  return one.kind === other.kind && place(one) === place(other);
}

function haveSameRights(one: Actor, other: Actor): boolean {
  const rights = (actor: Actor): Rights => (isHolder(actor) ? actor.rights : new Set());
  return rights(one).symmetricDifference(rights(other)).size === 0;
}

/** The shared secret of instance relays is looked at only where it opens anything. */
async function holderOf(
  core: Core,
  access: readonly Kind[],
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

/** A bearer token beats a browser's cookie. */
function tokenOf(c: Context<ApiEnv>): string | undefined {
  const header = c.req.header("authorization");
  return header === undefined ? requireSessionCookie(c) : bearer(header);
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
