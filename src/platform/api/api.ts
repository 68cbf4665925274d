import { createMiddleware } from "hono/factory";
import { SallyportError } from "../../telemetry/error.ts";
import { boundRequests } from "./bounds.ts";
import { type Description, describeGroups, type RouteGroup } from "./description.ts";
import { docsRoutes } from "./docs.ts";
import type { ApiEnv, ApiServices } from "./env.ts";
import { GROUPS } from "./groups.ts";
import { linkPageRoutes } from "./link-pages.ts";
import { receiveBodies } from "./receive.ts";
import { answerRefusal } from "./refusals.ts";
import { requireDeclaredAccess, routes } from "./route.ts";
import { securityHeaders } from "./security-headers.ts";
import { statusRoutes } from "./status.ts";

/** ACCEPTANCE, "Else". */
export const BODY_LIMIT = 64 * 1024;
/** A caller on a slow line has sent 64 KiB by then; who has not is a slow one on purpose (ACCEPTANCE B5). */
const RECEIVE_LIMIT_MS = 10_000;
/** Of bodies on their way: a thousand large ones. */
const RECEIVE_LIMIT_IN_ALL = 64 * 1024 * 1024;
/** A heartbeat is answered within 30 s (PROTOCOL 0.5); everything else is far quicker. */
const HANDLER_LIMIT_MS = 29_000;
/** Requests being worked on at once; more are turned away rather than piled up. */
const REQUESTS_AT_ONCE = 1000;

export interface Api {
  /**
   * @param address where the request comes from
   * @param https the caller's line is encrypted; undefined = not known
   */
  fetch(request: Request, address: string, https?: boolean): Promise<Response>;
  /** The OpenAPI 3.1 document. */
  describe(): Description;
}

/** The whole HTTP API. @throws SallyportError INTERNAL when a route does not declare who may call it */
export function createApi(services: ApiServices): Api {
  const app = routes();
  const { log, publicUrl } = services.core;
  const describeApi = once(publicUrl, (url) => describeGroups(app, groups, url));
  const groups: RouteGroup[] = [
    {
      name: "Platform",
      about: "Whether it is well, what it can do, and where links lead.",
      routes: [statusRoutes, docsRoutes(describeApi), linkPageRoutes],
    },
    ...GROUPS,
  ];
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  app.openAPIRegistry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: "sallyport_session",
  });
  app.onError((error, c) => answerRefusal(c, error, log));
  app.notFound((c) =>
    answerRefusal(c, new SallyportError("NOT_FOUND", "There is nothing at this address."), log),
  );
  app.use(prepare(services));
  app.use(securityHeaders());
  const receiving = { milliseconds: RECEIVE_LIMIT_MS, bytesInAll: RECEIVE_LIMIT_IN_ALL };
  app.use(receiveBodies({ bytes: BODY_LIMIT, ...receiving }));
  app.use(boundRequests({ atOnce: REQUESTS_AT_ONCE, milliseconds: HANDLER_LIMIT_MS }));
  for (const part of groups.flatMap((group) => group.routes)) app.route("/", part);
  requireDeclaredAccess(app);
  return {
    describe: describeApi,
    fetch: async (request, address, https) => await app.fetch(request, { address, https }),
  };
}

/** The same again for the same argument: describing takes tens of milliseconds, and anybody may ask. */
function once<T>(argument: () => string, make: (argument: string) => T): () => T {
  let made: { argument: string; value: T } | undefined;
  return () => {
    const now = argument();
    if (made?.argument !== now) made = { argument: now, value: make(now) };
    return made.value;
  };
}

/** What every route finds in its context, and what every answer carries. */
function prepare(services: ApiServices) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const reqId = `req-${crypto.randomUUID()}`;
    c.set("services", services);
    c.set("reqId", reqId);
    await next();
    c.header("X-Request-Id", reqId);
    c.header("Cache-Control", "no-store");
  });
}
