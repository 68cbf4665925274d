import { SallyportError } from "../../telemetry/error.ts";
import { type Field, formatFields, isToken, parseField } from "./field.ts";
import type { HttpLimits } from "./limits.ts";

export interface RequestHead {
  method: string;
  /** As in the first line: a path, an absolute URL, an authority or `*`. */
  target: string;
  minor: 0 | 1;
  fields: Field[];
}

export interface AnswerHead {
  status: number;
  reason: string;
  minor: 0 | 1;
  fields: Field[];
}

/** Whose head it is decides the code: the client's mistakes and the target's are answered differently. */
export function badRequest(reason: string): SallyportError {
  return new SallyportError("REQUEST_INVALID", `The request is refused: ${reason}.`);
}

export function badAnswer(reason: string, cause?: unknown): SallyportError {
  return new SallyportError("TARGET_ANSWER_INVALID", `The target gives no usable answer: ${reason}.`, {
    cause,
  });
}

/**
 * Reads a request's head strictly (RFC 9112): whatever two parsers could read differently is refused.
 * @param bytes up to and with the empty line
 * @throws SallyportError REQUEST_INVALID
 */
export function parseRequestHead(bytes: Buffer, limits: HttpLimits): RequestHead {
  const [first, fields] = parse(bytes, limits, badRequest);
  if (first.length > limits.requestLineBytes) throw badRequest("its first line is too long");
  const [, method = "", target = "", minor] = /^(\S+) ([\x21-\x7e]+) HTTP\/1\.([01])$/.exec(first) ?? [];
  if (!isToken(method)) throw badRequest("its first line is not that of HTTP/1.1");
  return { method, target, minor: minor === "1" ? 1 : 0, fields };
}

/** The same for what a target answers. @throws SallyportError TARGET_ANSWER_INVALID */
export function parseAnswerHead(bytes: Buffer, limits: HttpLimits): AnswerHead {
  const [first, fields] = parse(bytes, limits, badAnswer);
  const line = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(first);
  if (!line) throw badAnswer("its first line is not that of HTTP/1.1");
  const [, minor, status, reason = ""] = line;
  return { status: Number(status), reason, minor: minor === "1" ? 1 : 0, fields };
}

export function formatRequestHead({ method, target, fields }: Omit<RequestHead, "minor">): Buffer {
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${formatFields(fields)}\r\n`, "latin1");
}

export function formatAnswerHead({ status, reason, fields }: Omit<AnswerHead, "minor">): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${formatFields(fields)}\r\n`, "latin1");
}

function parse(
  bytes: Buffer,
  limits: HttpLimits,
  bad: (reason: string) => SallyportError,
): [first: string, fields: Field[]] {
  const [first = "", ...lines] = bytes.toString("latin1").slice(0, -4).split("\r\n");
  if (lines.length > limits.fields) throw bad(`it has more than ${limits.fields} headers`);
  const fields = lines.map((line) => {
    const field = parseField(line);
    if (typeof field === "string") throw bad(field);
    return field;
  });
  return [first, fields];
}
