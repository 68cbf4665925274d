import type { z } from "zod";
import { normaliseDomain } from "../host/domain.ts";
import { trustedAuthorities } from "../host/trust.ts";
import type { Code } from "../telemetry/codes.ts";
import { SallyportError } from "../telemetry/error.ts";
import { VERSION } from "../version.ts";
import { parseJson } from "./json.ts";
import { refusalError, unreachableError } from "./refusal.ts";

export interface TransportOptions {
  /** Any spelling that `normaliseDomain` accepts. */
  domain: string;
  /** The bearer token of each call, asked anew every time; undefined = none. What it throws reaches the caller. */
  token?: () => string | undefined | Promise<string | undefined>;
  /** PEM file of authorities trusted besides the system's (`--ca-file`, SALLYPORT_CA_FILE). */
  caFile?: string;
  /** Allows plain http to another machine. */
  insecureHttp?: boolean;
  /** Makes the requests, for example through a proxy; Bun's own `fetch` unless told. */
  fetch?: Fetch | undefined;
  /** For a whole call, 40 s unless told: a heartbeat is answered after the platform's probe, within 30 s. */
  timeoutMs?: number;
  /** Told once for each call that has had no answer for 2 s, for people who wait. */
  onSlow?: (() => void) | undefined;
}

const SLOW_MS = 2000;

/** Like `fetch`, with Bun's `tls`. A SallyportError that it throws reaches the caller as it is. */
export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

export interface Call<T extends z.ZodType> {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below `/api`. */
  path: string;
  body?: unknown;
  /** Instead of the transport's own token. */
  bearer?: string;
  signal?: AbortSignal | undefined;
  /** Besides those of every call. */
  headers?: Record<string, string>;
  /** What a 400 without a code of its own means here; PLATFORM_ERROR unless told. */
  badRequest?: Code;
  answer: T;
}

export type AnswerStream = ReadableStream<Uint8Array>;

/** The largest answer read: certificates and lists stay far below. */
const ANSWER_LIMIT = 4 * 1024 * 1024;

/** One HTTP call to a platform: never follows a redirect, bounds time and size, parses the answer by its schema. */
export class Transport {
  /** `scheme://host[:port][/path]`. */
  readonly domain: string;
  readonly #options: TransportOptions;
  #authorities: Promise<string[]> | undefined;

  /** @throws SallyportError CONFIG_INVALID when the domain can't be used */
  constructor(options: TransportOptions) {
    this.domain = normaliseDomain(options.domain, { insecureHttp: options.insecureHttp ?? false });
    this.#options = options;
  }

  /** @throws SallyportError PLATFORM_UNREACHABLE, TLS_UNTRUSTED, PLATFORM_ERROR, or the code of a refusal */
  async call<T extends z.ZodType>(call: Call<T>): Promise<z.infer<T>> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? 40_000);
    const signal = call.signal ? AbortSignal.any([timeout, call.signal]) : timeout;
    const { onSlow } = this.#options;
    const slow = onSlow && setTimeout(onSlow, SLOW_MS);
    const response = await this.#fetch(call, signal).finally(() => clearTimeout(slow));
    const text = await this.#read(response, signal);
    if (response.status >= 300 && response.status < 400) {
      throw new SallyportError(
        "PLATFORM_ERROR",
        `${this.domain} answers with a redirect: give the address it redirects to as the domain.`,
      );
    }
    if (!response.ok) throw refusalError(this.domain, response, parseJson(text), call.badRequest);
    const parsed = call.answer.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new SallyportError(
      "PLATFORM_ERROR",
      `${this.domain} gave an answer to ${call.path} that this version can't read: check that the domain is a platform's.`,
      { cause: parsed.error },
    );
  }

  /**
   * Opens an answer without end. `signal` ends it; the time-out is for its beginning.
   * @throws SallyportError as `call`
   */
  async open(call: Omit<Call<never>, "answer" | "signal">, signal: AbortSignal): Promise<AnswerStream> {
    const slow = new AbortController();
    const timer = setTimeout(
      () => slow.abort(new DOMException("no answer", "TimeoutError")),
      this.#options.timeoutMs ?? 40_000,
    );
    try {
      const response = await this.#fetch(call, AbortSignal.any([signal, slow.signal]));
      if (response.ok && response.body) return response.body;
      const text = await this.#read(response, signal);
      throw refusalError(this.domain, response, parseJson(text), call.badRequest);
    } finally {
      clearTimeout(timer);
    }
  }

  async #fetch(call: Omit<Call<never>, "answer">, signal: AbortSignal): Promise<Response> {
    const bearer = call.bearer ?? (await this.#options.token?.());
    const headers: Record<string, string> = {
      Accept: "application/json",
      "User-Agent": `sallyport/${VERSION}`,
      ...call.headers,
    };
    if (bearer !== undefined) headers.Authorization = `Bearer ${bearer}`;
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    const ca = await this.#trusted();
    try {
      return await (this.#options.fetch ?? fetch)(`${this.domain}/api${call.path}`, {
        method: call.method,
        headers,
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        redirect: "manual",
        signal,
        ...(ca ? { tls: { ca } } : {}),
      });
    } catch (error) {
      throw await this.#unreachable(error);
    }
  }

  async #read(response: Response, signal: AbortSignal): Promise<string> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of response.body ?? []) {
        signal.throwIfAborted();
        length += chunk.length;
        if (length > ANSWER_LIMIT) break;
        chunks.push(chunk);
      }
    } catch (error) {
      throw await this.#unreachable(error);
    }
    if (length <= ANSWER_LIMIT) return Buffer.concat(chunks).toString("utf8");
    throw new SallyportError("PLATFORM_ERROR", `${this.domain} gave an answer of more than 4 MiB.`);
  }

  /** Who issued a certificate that is not trusted can be looked up only where the platform is reached directly. */
  #unreachable(error: unknown): Promise<SallyportError> {
    return unreachableError(this.domain, error, this.#options.fetch === undefined);
  }

  /** Plain http needs none. */
  async #trusted(): Promise<string[] | undefined> {
    if (!this.domain.startsWith("https:")) return undefined;
    this.#authorities ??= trustedAuthorities(this.#options.caFile);
    return this.#authorities;
  }
}
