import { z } from "@hono/zod-openapi";

export const emailAddress = z.string().trim().toLowerCase().max(254).pipe(z.email());

/** Shown to people and part of certificate subjects; the same as `ca init` takes. */
export const organisationName = z
  .string()
  .trim()
  .regex(/^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u, "use 1 to 64 visible characters")
  .openapi({ example: "Example Ltd" });
