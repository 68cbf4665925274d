import { z } from "zod";

/**
 * Fields of what a platform answers (PROTOCOL A), as the agents and the CLI read it: unknown fields are dropped, those
 * that only Sallyport's platform sends are optional, so that the same client works against Infisical's.
 */

export const text = z.string().max(256 * 1024);
export const short = z.string().max(256);
export const id = z.string().min(1).max(64);
export const name = z.string().min(1).max(253);
export const port = z.number().int().min(1).max(65_535);
export const seconds = z.number().int().nonnegative();
/** RFC 3339. */
export const instant = z.string().max(64);
/** The same; an older platform may leave it out. */
export const time = instant.nullish();

export const messageAnswer = z.object({ message: text });
