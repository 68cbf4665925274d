import { z } from "zod";

/**
 * Connections as gateways account for them (EXTENSIONS X10): the gateway writes by this shape, into its spool too, and
 * the platform reads by it.
 */

const text = (limit: number) => z.string().max(limit);
const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

export const connectionRecord = z.object({
  id: z.uuid(),
  /** Of the gateway's process: what another one left open is over. */
  instance: z.uuid(),
  openedAt: z.iso.datetime(),
  /** Of the client certificate, lower-case hex. */
  serial: z.string().regex(/^[0-9a-f]{1,40}$/),
  mode: z.enum(["tcp", "http"]),
  actor: z.object({
    type: text(64),
    id: text(256).optional(),
    name: text(256).optional(),
  }),
  /** `host:port`. */
  target: text(1100),
  grantId: text(128).optional(),
  /** Absent while it is open. */
  closed: z
    .object({
      at: z.iso.datetime(),
      bytesUp: count,
      bytesDown: count,
      durationMs: count,
      /** ENDED, CONNECTION_LOST or a code. */
      cause: z.string().regex(/^[A-Z_]{1,64}$/),
    })
    .optional(),
});
export type ConnectionRecord = z.infer<typeof connectionRecord>;

/** In one report: far below the platform's limit for a body. */
export const RECORDS_PER_REPORT = 30;
