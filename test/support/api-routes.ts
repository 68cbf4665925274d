import { z } from "zod";
import type { TestPlatform } from "./platform.ts";

/** A route as the platform's own description has it. */
export interface DescribedRoute {
  method: string;
  /** Below `/api`, with its parameters in braces. */
  path: string;
  /** Kinds of callers. */
  access: string[];
  /** What a person or a machine identity needs; undefined where none may call. */
  right: string | undefined;
}

const operation = z.object({ "x-access": z.array(z.string()), "x-right": z.string().optional() });
const description = z.record(z.string(), z.record(z.string(), operation));

/** Every route there is. */
export function routesOf(platform: TestPlatform): DescribedRoute[] {
  return Object.entries(description.parse(platform.api.describe().paths)).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { "x-access": access, "x-right": right }]) => ({
      method: method.toUpperCase(),
      path: path.replace(/^\/api/, ""),
      access,
      right,
    })),
  );
}

/**
 * Calls a route with what no schema accepts, so that nothing happens, and looks at the status only: 401 and 403 come
 * before anything of a request is looked at.
 */
export async function knock(platform: TestPlatform, route: DescribedRoute, token: string) {
  const response = await platform.api.fetch(
    new Request(`http://platform.test/api${route.path.replaceAll(/\{\w+\}/g, "Not_an_id")}`, {
      method: route.method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(route.method !== "GET" && { body: "not json" }),
    }),
    "192.0.2.1",
  );
  // Events never end by themselves.
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  const text = isStream ? "{}" : await response.text();
  if (isStream) await response.body?.cancel();
  return { status: response.status, text };
}
