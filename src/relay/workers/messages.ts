import { z } from "zod";
import { isCode } from "../../telemetry/codes.ts";
import { LOG_LEVELS } from "../../telemetry/log.ts";
import { partSchema } from "../../telemetry/parts.ts";

/**
 * What supervisor and workers of a relay say to each other, as JSON over the pipe between parent and child. Both are the
 * same program; what does not parse is a defect and ends the worker.
 */

const text = z.string();
const number = z.number();
const identity = z.object({ certificate: text, privateKey: text });
const phase = z.enum(["open", "leaving", "draining"]);
const farewell = z.enum(["replaced", "revoked", "draining", "certificate expired"]);
const logLevel = z.enum(LOG_LEVELS);

/** `RelayCredentials`, with lists for sets. */
const credentials = z.object({
  relayId: text,
  relayName: text,
  host: text,
  tls: identity.extend({ clientAuthorities: text }),
  ssh: z.object({ host: identity, userAuthorities: z.array(text) }),
  revocations: z.object({ serials: z.array(text), gatewayIds: z.array(text) }).optional(),
});

/** All that a worker has to know to begin. */
const start = z.object({
  type: z.literal("start"),
  /** 1 is the first. */
  number,
  /** Where other workers hand their clients over: a path for a unix socket. */
  socket: text,
  listen: z.object({ hostname: text, sshPort: number, tlsPort: number, proxyFrom: z.array(text) }),
  /** By the keys of `RelayLimits`; the window budget is this worker's share. */
  limits: z.record(text, number),
  exempt: z.array(text),
  credentials,
  endedSerials: z.array(text),
  phase,
  logFormat: z.enum(["text", "json"]),
  logLevel,
});

export const toWorkerSchema = z.discriminatedUnion("type", [
  start,
  z.object({ type: z.literal("credentials"), credentials }),
  z.object({ type: z.literal("phase"), phase }),
  z.object({ type: z.literal("log level"), level: logLevel }),
  z.object({ type: z.literal("cut clients"), serials: z.array(text) }),
  /** The answer to `claim`. */
  z.object({
    type: z.literal("claimed"),
    session: number,
    refusal: z.enum(["lower-generation", "duplicate", "revoked", "draining"]).optional(),
  }),
  z.object({ type: z.literal("advise"), session: number }),
  z.object({ type: z.literal("retire"), session: number, why: farewell, graceMs: number.optional() }),
  z.object({ type: z.literal("cut"), session: number, why: farewell }),
  /** A connection that waits to authenticate has to go. */
  z.object({ type: z.literal("drop"), ticket: number }),
  /** The answer to `locate`: the socket of the worker that serves the gateway, if another one does. */
  z.object({ type: z.literal("located"), question: number, socket: text.optional(), revoked: z.boolean() }),
  z.object({ type: z.literal("report"), question: number }),
  z.object({ type: z.literal("close") }),
]);

export const fromWorkerSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("failed"), code: text.refine(isCode), message: text }),
  /** A gateway has proved who it is and wants its place. */
  z.object({
    type: z.literal("claim"),
    session: number,
    gatewayId: text,
    gatewayName: text.optional(),
    orgId: text.optional(),
    generation: number,
    serial: z.string().regex(/^\d+$/),
    expiresAt: number,
    since: number,
    remoteAddress: text,
    /** It understands the advice to get itself another tunnel. */
    takesAdvice: z.boolean(),
  }),
  z.object({ type: z.literal("left"), session: number }),
  z.object({ type: z.literal("enter"), ticket: number, address: text }),
  z.object({ type: z.literal("progress"), ticket: number }),
  z.object({ type: z.literal("authenticated"), ticket: number }),
  z.object({ type: z.literal("failed login"), ticket: number }),
  z.object({ type: z.literal("gone"), ticket: number }),
  z.object({ type: z.literal("locate"), question: number, gatewayId: text }),
  /** Once a second: it lives. Tunnels of each session that has other ones than a second ago. */
  z.object({ type: z.literal("alive"), windowUsed: number, tunnels: z.array(z.tuple([number, number])) }),
  z.object({ type: z.literal("reported"), question: number, part: partSchema }),
]);

export type ToWorker = z.infer<typeof toWorkerSchema>;
export type FromWorker = z.infer<typeof fromWorkerSchema>;
export type StartMessage = z.infer<typeof start>;
