/** What one HTTP connection may take, in bytes and milliseconds. `idleMs` may be Infinity: no limit. */
export interface HttpLimits {
  /** Head of a request, first line included. */
  requestHeadBytes: number;
  /** First line of a request. */
  requestLineBytes: number;
  /** Fields of a head. */
  fields: number;
  /** Head of an answer. */
  answerHeadBytes: number;
  /** Of a body that nobody wants any more, what is read so that the connection can go on. */
  drainBytes: number;

  /** Until the first byte of the next request. */
  idleMs: number;
  /** From the first byte of a head to its end. */
  requestHeadMs: number;
  /** Between two pieces of a request's body, before the answer has begun. */
  requestBodyMs: number;
  /** Until the target begins its answer, from the last piece that it took of the request. */
  answerHeadMs: number;
  /** Between two pieces of an answer's body, or of a request's once the answer has begun: watches may be silent. */
  answerBodyMs: number;
  /** For the rest of a request that was answered early. */
  drainMs: number;
  /** How long a connection to the target is kept for the next request. */
  keptMs: number;
}

/**
 * No cut for being idle (ACCEPTANCE, "Limits to ship"): a connection waits for the next request as long as the client
 * likes. Connecting to the target has its own limit, the 10 s of every dial.
 */
export const HTTP_LIMITS: HttpLimits = {
  requestHeadBytes: 32 * 1024,
  requestLineBytes: 16 * 1024,
  fields: 200,
  answerHeadBytes: 64 * 1024,
  drainBytes: 1024 * 1024,
  idleMs: Number.POSITIVE_INFINITY,
  requestHeadMs: 10_000,
  requestBodyMs: 120_000,
  answerHeadMs: 300_000,
  answerBodyMs: 3_600_000,
  drainMs: 5000,
  keptMs: 60_000,
};
