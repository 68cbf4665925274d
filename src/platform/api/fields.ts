import { z } from "@hono/zod-openapi";
import { isGatewayName, isRelayName } from "../../host/names.ts";

/** Pieces of requests and answers that several resources share. */

export const gatewayName = z
  .string()
  .trim()
  .refine(isGatewayName, "use 1 to 63 lower-case letters, digits and inner hyphens")
  .openapi({ example: "office" });

export const relayName = z
  .string()
  .trim()
  .refine(isRelayName, "use 1 to 32 lower-case letters, digits and inner hyphens")
  .openapi({ example: "eu-1" });

/** A UUID is such a name as well. */
export const idOrName = z.object({ idOrName: gatewayName });

export const idParameter = z.object({ id: z.uuid() });

export const port = z.int().min(1).max(65_535);

/** What the host rule says more about. */
export const relayHost = z.string().min(1).max(255);

/** PKCS#10 and OpenSSH lines are far smaller; the parsers bound them again. */
export const csr = z.string().min(1).max(16_384);
export const sshPublicKey = z.string().min(1).max(16_384);

/** RFC 3339 or null. */
export const time = z.string().nullable().openapi({ format: "date-time" });

export const message = z.object({ message: z.string() });

export const enrollmentToken = z.object({ token: z.string(), expiresAt: z.string() });

export const refusal = z
  .object({
    reqId: z.string(),
    statusCode: z.int(),
    message: z.string(),
    error: z.string(),
    code: z.string(),
  })
  .openapi("Refusal");

/** The answers of a route: its own, and the envelope of every refusal. */
export function answers<T extends z.ZodType>(schema: T, description: string) {
  return {
    200: { description, content: { "application/json": { schema } } },
    default: { description: "Refused", content: { "application/json": { schema: refusal } } },
  };
}

/** The same of a route whose answer is a page. */
export function htmlAnswer(description: string) {
  const { default: refused } = answers(z.object({}), "");
  return { 200: { description, content: { "text/html": { schema: z.string() } } }, default: refused };
}

export function jsonBody<T extends z.ZodType>(schema: T) {
  return { required: true, content: { "application/json": { schema } } };
}

/** Infisical's relay sends neither a body nor a content type. */
export function optionalJsonBody<T extends z.ZodType>(schema: T) {
  return { required: false, content: { "application/json": { schema } } };
}
