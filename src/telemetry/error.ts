import { CODES, type Code } from "./codes.ts";

/**
 * The one error that people are meant to read. `message` is a full sentence that says what happened and what to do
 * next; it never holds a secret. `cause` keeps the underlying error for debug logs.
 */
export class SallyportError extends Error {
  readonly code: Code;
  /** Seconds: the same before that is in vain. Undefined where nobody says. */
  readonly retryAfter: number | undefined;

  constructor(code: Code, message: string, options?: { cause?: unknown; retryAfter?: number | undefined }) {
    super(message, options);
    this.name = "SallyportError";
    this.code = code;
    this.retryAfter = options?.retryAfter;
  }

  /** What a command that ends with this error exits with. */
  get exitCode(): number {
    return CODES[this.code];
  }
}

/** The same error if it is one of ours, otherwise a new one with `code` around it. */
export function asSallyportError(error: unknown, code: Code, what: string): SallyportError {
  if (error instanceof SallyportError) return error;
  return new SallyportError(code, `${what}: ${describe(error)}`, { cause: error });
}

/** The text of anything that was thrown, on one line. Of a system error what it means: `disk is full (ENOSPC)`. */
export function describe(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text
    .replace(/\s+/g, " ")
    .trim()
    .replace(FOR_PROGRAMMERS, "")
    .replace(OTHER_NAME, "its certificate is for another name ($1)")
    .replace(SYSTEM_CALL, "$2 ($1)")
    .replace(FETCH, "no connection ($1)");
}

/** What Bun adds to whatever went wrong with a request. */
const FOR_PROGRAMMERS = / For more information, pass `verbose: true` in the second argument to fetch\(\)$/;
const OTHER_NAME = /^(ERR_TLS_CERT_ALTNAME_INVALID)\b.*$/;

/** How Bun words what no connection could be made for. */
const FETCH = /^(E[A-Z0-9]+): Unable to connect\. Is the computer able to access the url\?$/;

/** What happened, without the advice that follows it. */
export function firstSentence(message: string): string {
  return `${message.split(". ", 1)[0]?.replace(/\.$/, "")}.`;
}

/** How Node words what a system call on files answered: `EACCES: permission denied, open '/x'`. */
const SYSTEM_CALL = /^(E[A-Z0-9]+): ([^,]+), [a-z]+(?: '.*')?$/;

/** `ENOENT`, `EACCES` ... of a system error, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
