import { SallyportError } from "../../telemetry/error.ts";
import type { PulledStream } from "../pulled-stream.ts";
import { type Field, membersOf, valuesOf } from "./field.ts";
import { answerFraming, type Framing, framingFields } from "./framing.ts";
import { type AnswerHead, badAnswer, formatAnswerHead, parseAnswerHead } from "./head.ts";
import { endToEnd, upgradeOf } from "./hops.ts";
import type { HttpLimits } from "./limits.ts";
import { readHead } from "./read-head.ts";
import type { Request } from "./request.ts";

/** `100 Continue` and the like, before the answer itself. */
const MOST_INTERIM = 100;

export interface Answer extends AnswerHead {
  framing: Framing;
  /** The target takes another request on this connection. */
  keepAlive: boolean;
}

/** The target went away before the first byte of an answer. */
export class NoAnswer extends Error {}

/**
 * Reads the head of the answer itself; `interim` gets those before it.
 * @throws NoAnswer; SallyportError TARGET_ANSWER_INVALID; why the target was destroyed
 */
export async function readAnswer(
  target: PulledStream,
  { method, upgrade }: Request,
  limits: HttpLimits,
  interim: (head: AnswerHead) => Promise<void>,
): Promise<Answer> {
  for (let count = 0; count <= MOST_INTERIM; count++) {
    const head = await readOne(target, limits, count === 0);
    if (head.status === 101 && upgrade === undefined)
      throw badAnswer("it changes to a protocol that nobody asked for");
    if (head.status < 200 && head.status !== 101) {
      await interim(head);
      continue;
    }
    const framing = answerFraming(head, method);
    const close = head.minor === 0 || membersOf(head.fields, "connection").includes("close");
    return { ...head, framing, keepAlive: !close && framing.kind !== "untilEnd" };
  }
  throw badAnswer("it goes on announcing one");
}

async function readOne(target: PulledStream, limits: HttpLimits, first: boolean): Promise<AnswerHead> {
  const { answerHeadBytes: limit, answerHeadMs: restMs } = limits;
  const before = target.received;
  const bytes = await readHead(target, {
    limit,
    startMs: Number.POSITIVE_INFINITY,
    restMs,
    bad: badAnswer,
  }).catch((error: unknown) => {
    const silent = first && target.received === before && !(error instanceof SallyportError);
    throw silent ? new NoAnswer("no answer", { cause: error }) : error;
  });
  if (bytes) return parseAnswerHead(bytes, limits);
  throw first ? new NoAnswer("no answer") : badAnswer("it closed the connection");
}

/** The head as the client gets it. `close` says that the connection ends with this answer. */
export function answerFor(answer: Answer, request: Request, close: boolean): Buffer {
  const { status, reason, fields, framing } = answer;
  const own: Field[] = [...lengthOfNothing(answer, request)];
  if (request.minor === 1 || framing.kind === "counted") own.push(...framingFields(framing));
  const upgrade = status === 101 || status === 426 ? upgradeOf(fields, 1) : undefined;
  const hop: string[] = [];
  if (upgrade !== undefined) {
    hop.push("Upgrade");
    own.push({ name: "Upgrade", value: upgrade });
  }
  if (close && status !== 101) hop.push("close");
  if (hop.length > 0) own.push({ name: "Connection", value: hop.join(", ") });
  return formatAnswerHead({ status, reason, fields: [...endToEnd(fields), ...own] });
}

/** One before the answer itself. */
export function interimFor({ status, reason, fields }: AnswerHead): Buffer {
  return formatAnswerHead({ status, reason, fields: endToEnd(fields) });
}

/** An answer to HEAD, and a 304, say how long the body would be. */
function lengthOfNothing({ status, fields }: Answer, { method }: Request): Field[] {
  if (method !== "HEAD" && status !== 304) return [];
  const [length] = valuesOf(fields, "content-length");
  return length !== undefined && /^\d{1,15}$/.test(length) ? [{ name: "Content-Length", value: length }] : [];
}
