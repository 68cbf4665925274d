import { createMiddleware } from "hono/factory";
import { descriptors } from "../../host/descriptors.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { within } from "../services/deadline.ts";
import type { ApiEnv } from "./env.ts";

/** So many requests at once, each so long: more and longer ones are answered 503, a slow sender's included. */
export function boundRequests(limits: { atOnce: number; milliseconds: number }) {
  let running = 0;
  return createMiddleware<ApiEnv>(async (_c, next) => {
    if (running >= limits.atOnce || descriptors.refuse())
      throw busy("The platform is busy: try again in a moment.");
    running++;
    try {
      await within(limits.milliseconds, next(), () => busy("The request took too long: try again."));
    } finally {
      running--;
    }
  });
}

function busy(message: string): SallyportError {
  return new SallyportError("RESOURCE_SHORTAGE", message);
}
