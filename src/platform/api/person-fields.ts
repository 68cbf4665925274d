import { z } from "@hono/zod-openapi";
import { PASSWORD_LENGTH } from "../services/people/passwords.ts";
import { isRight, RIGHT_NAMES } from "../services/people/rights.ts";

export const emailAddress = z.string().trim().toLowerCase().max(254).pipe(z.email());

/** In a path. */
export const personReference = z.object({
  idOrEmail: z.union([z.uuid(), emailAddress], { error: "give an e-mail address, or a user id" }),
});

const VISIBLE = /^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u;

/** Shown to people and part of certificate subjects; the same as `ca init` takes. */
export const organisationName = z
  .string()
  .trim()
  .regex(VISIBLE, "use 1 to 64 visible characters")
  .openapi({ example: "Example Ltd" });

/** Of a person, or of a token. */
export const label = z.string().trim().regex(VISIBLE, "use 1 to 64 visible characters");

/** One that is there already, whatever rules it was chosen under. */
export const password = z.string().min(1).max(PASSWORD_LENGTH.max);

export const newPassword = z.string().min(PASSWORD_LENGTH.min).max(PASSWORD_LENGTH.max);

/** A built-in role, or the id or name of one of the organisation's own. */
export const roleReference = z.string().min(1).max(64).openapi({ example: "member" });

export const roleObject = z.object({ id: z.string(), name: z.string() });

export const right = z
  .string()
  .max(64)
  .refine(isRight, "there is no such right")
  .openapi({ enum: [...RIGHT_NAMES] });
