import type { SallyportError } from "../../telemetry/error.ts";
import { type Field, membersOf, valuesOf } from "./field.ts";
import { type AnswerHead, badAnswer, badRequest, type RequestHead } from "./head.ts";

/** How the end of a message's body is known (RFC 9112, 6.3). */
export type Framing =
  | { kind: "none" }
  | { kind: "counted"; length: number }
  | { kind: "chunked" }
  /** With the connection: answers only. */
  | { kind: "untilEnd" };

const NONE: Framing = { kind: "none" };

/**
 * Refuses every request of which two parsers could see different ends: request smuggling.
 * @throws SallyportError REQUEST_INVALID
 */
export function requestFraming({ minor, fields }: RequestHead): Framing {
  return announced(fields, minor, badRequest) ?? NONE;
}

/** @throws SallyportError TARGET_ANSWER_INVALID */
export function answerFraming({ status, minor, fields }: AnswerHead, method: string): Framing {
  if (status < 200 || status === 204 || status === 304 || method === "HEAD") return NONE;
  return announced(fields, minor, badAnswer) ?? { kind: "untilEnd" };
}

/** Nothing comes, or nothing can. */
export function isEmpty(framing: Framing): boolean {
  return framing.kind === "none" || (framing.kind === "counted" && framing.length === 0);
}

/** The field that announces such a body, none for none. */
export function framingFields(framing: Framing): Field[] {
  if (framing.kind === "counted") return [{ name: "Content-Length", value: String(framing.length) }];
  return framing.kind === "none" ? [] : [{ name: "Transfer-Encoding", value: "chunked" }];
}

function announced(
  fields: readonly Field[],
  minor: 0 | 1,
  bad: (reason: string) => SallyportError,
): Framing | undefined {
  const lengths = valuesOf(fields, "content-length");
  if (lengths.length > 1) throw bad("it has more than one Content-Length");
  const codings = valuesOf(fields, "transfer-encoding");
  if (codings.length === 0) return counted(lengths[0], bad);
  if (lengths.length > 0) throw bad("it has both Content-Length and Transfer-Encoding");
  if (minor === 0) throw bad("Transfer-Encoding does not exist in HTTP/1.0");
  const [coding, ...more] = membersOf(fields, "transfer-encoding");
  if (codings.length > 1 || coding !== "chunked" || more.length > 0) {
    throw bad("its Transfer-Encoding is not just chunked");
  }
  return { kind: "chunked" };
}

/** Fifteen digits are exact in a JavaScript number. */
function counted(value: string | undefined, bad: (reason: string) => SallyportError): Framing | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw bad("its Content-Length is no number");
  return { kind: "counted", length: Number(value) };
}
