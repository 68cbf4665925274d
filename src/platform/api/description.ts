import type { OpenAPIHono } from "@hono/zod-openapi";
import { VERSION } from "../../version.ts";
import type { ApiEnv } from "./env.ts";
import { codesOf } from "./refusals.ts";

/** Routes that belong together for whoever reads about them. */
export interface RouteGroup {
  name: string;
  about: string;
  routes: OpenAPIHono<ApiEnv>[];
}

export type Description = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;
type PathItem = NonNullable<Description["paths"]>[string];
type Operation = NonNullable<PathItem["get"]>;

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** When each refusal comes; who may be refused how is decided by what the route takes. */
const REFUSALS: { status: number; when: string; of: (operation: Operation) => boolean }[] = [
  { status: 400, when: "What is asked for can't be done as it is asked", of: takesAnything },
  { status: 401, when: "The token or the credentials don't count", of: (it) => !isOpen(it) || changes(it) },
  { status: 403, when: "The caller may not do this", of: (it) => !isOpen(it) },
  { status: 404, when: "There is no such thing, for this caller", of: takesAnything },
  { status: 408, when: "The body took too long to arrive", of: changes },
  { status: 409, when: "Somebody else was there first", of: changes },
  { status: 413, when: "The body is larger than 64 KiB", of: changes },
  { status: 422, when: "The request does not fit its schema", of: takesAnything },
  {
    status: 429,
    when: "Too many failed attempts; Retry-After says when to come again",
    of: (it) => isOpen(it) && changes(it),
  },
  { status: 500, when: "A fault of the platform", of: () => true },
  {
    status: 503,
    when: "The platform can't serve this now; Retry-After says when to come again",
    of: () => true,
  },
];

/** The whole API as OpenAPI 3.1. */
export function describeGroups(
  app: OpenAPIHono<ApiEnv>,
  groups: readonly RouteGroup[],
  publicUrl: string,
): Description {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Sallyport", version: VERSION },
    servers: [{ url: publicUrl }],
    tags: groups.map(({ name, about }) => ({ name, description: about })),
  });
  const groupOf = new Map<string, string>();
  for (const { name, routes } of groups) {
    for (const definition of routes.flatMap((part) => part.openAPIRegistry.definitions)) {
      if (definition.type !== "route") continue;
      groupOf.set(`${definition.route.method} ${definition.route.path}`, name);
    }
  }
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation) complete(operation, groupOf.get(`${method} ${path}`) ?? "");
    }
  }
  return document;
}

function complete(operation: Operation, group: string): void {
  operation.tags = [group];
  for (const { status, when, of } of REFUSALS) {
    if (!of(operation)) continue;
    operation.responses ??= {};
    operation.responses[status] = {
      description: `${when} (${codesOf(status).join(", ")})`,
      content: { "application/json": { schema: { $ref: "#/components/schemas/Refusal" } } },
    };
  }
}

function isOpen(operation: Operation): boolean {
  return (operation.security ?? []).length === 0;
}

function changes(operation: Operation): boolean {
  return operation.requestBody !== undefined;
}

function takesAnything(operation: Operation): boolean {
  return changes(operation) || (operation.parameters ?? []).length > 0;
}
