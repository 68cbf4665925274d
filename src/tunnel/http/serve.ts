import { asSallyportError, SallyportError } from "../../telemetry/error.ts";
import { lastWords } from "../last-words.ts";
import { withPrologue } from "../prologue.ts";
import type { PulledStream } from "../pulled-stream.ts";
import { pump } from "../pump.ts";
import type { ByteStream } from "../stream.ts";
import { NoAnswer } from "./answer.ts";
import { IncomingBody } from "./body.ts";
import { Exchange } from "./exchange.ts";
import type { Field } from "./field.ts";
import { isEmpty } from "./framing.ts";
import { badAnswer, badRequest, formatAnswerHead, parseRequestHead } from "./head.ts";
import type { HttpLimits } from "./limits.ts";
import { readHead } from "./read-head.ts";
import { isRepeatable, judgeRequest, type Request, type Rewrite } from "./request.ts";
import { type Place, TargetLink } from "./target-link.ts";

/** Where one request goes, and how it looks there. */
export type Route = Place & Rewrite;

export interface Refusal {
  status: number;
  reason: string;
  contentType: string;
  body: string;
  fields?: Field[];
}

/** What makes a proxy of the machine below. */
export interface ProxyRules {
  /** @throws SallyportError when the request goes nowhere */
  route(request: Request): Promise<Route>;
  /** The far end for a CONNECT; the client is told when it is there. @throws SallyportError */
  tunnel(request: Request): Promise<ByteStream>;
  /** How a client is told what went wrong. */
  refusal(error: SallyportError): Refusal;
  limits: HttpLimits;
}

/**
 * Serves the requests of one client, one after the other: what is pipelined waits in the stream's window. Resolves when
 * the connection is over, with what ended it early, or null; never rejects.
 */
export async function serveRequests(client: PulledStream, rules: ProxyRules): Promise<Error | null> {
  const server = new Server(client, rules);
  let failure: Error | null = null;
  try {
    while (await server.serveNext()) {}
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  server.close();
  if (failure) client.destroy(failure);
  const { error } = await (server.joined ?? lastWords(client.handOver(), null));
  return failure ?? error;
}

class Server {
  /** The end of what was joined by an upgrade or CONNECT. */
  joined: Promise<{ error: Error | null }> | undefined;
  readonly #link: TargetLink;

  constructor(
    private readonly client: PulledStream,
    private readonly rules: ProxyRules,
  ) {
    this.#link = new TargetLink(rules.limits.keptMs);
  }

  close(): void {
    this.#link.close();
  }

  /** False when no more requests follow. @throws when the client can't be told what went wrong */
  async serveNext(): Promise<boolean> {
    const { limits } = this.rules;
    let request: Request;
    try {
      const head = await readHead(this.client, {
        limit: limits.requestHeadBytes,
        startMs: limits.idleMs,
        restMs: limits.requestHeadMs,
        bad: badRequest,
      });
      if (!head) return false;
      request = judgeRequest(parseRequestHead(head, limits));
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      return this.#refuse(error, undefined);
    }
    return request.method === "CONNECT" ? this.#connect(request) : this.#forward(request);
  }

  async #forward(request: Request, again = true): Promise<boolean> {
    const { client, rules } = this;
    let route: Route;
    let link: { target: PulledStream; reused: boolean };
    try {
      route = await rules.route(request);
      link = await this.#link.take(route, client.gone);
    } catch (error) {
      return this.#refuse(asSallyportError(error, "INTERNAL", "The request failed"), request);
    }
    const { target, reused } = link;
    const exchange = new Exchange({ client, target, request, rewrite: route, limits: rules.limits });
    try {
      await exchange.run();
    } catch (error) {
      if (error instanceof NoAnswer && reused && again && isRepeatable(request)) {
        return this.#forward(request, false);
      }
      if (exchange.begun || client.gone.aborted) throw error;
      await this.#tell(asFailure(error), exchange.mayGoOn);
      return exchange.clientReusable();
    }
    if (exchange.upgraded) {
      this.joined = pump(client.handOver(), target.handOver());
      return false;
    }
    if (exchange.targetReusable) this.#link.keep(route, target);
    return exchange.clientReusable();
  }

  async #connect(request: Request): Promise<boolean> {
    const { client, rules } = this;
    let far: ByteStream;
    try {
      if (!isEmpty(request.framing)) throw badRequest("CONNECT has no body");
      far = await rules.tunnel(request);
    } catch (error) {
      return this.#refuse(asSallyportError(error, "INTERNAL", "The tunnel could not be opened"), request);
    }
    const granted = formatAnswerHead({ status: 200, reason: "Connection established", fields: [] });
    this.joined = pump(withPrologue(client.handOver(), granted), far);
    return false;
  }

  /** Nothing of this request's body has been read yet; without a request, nobody knows where the next one begins. */
  async #refuse(error: SallyportError, request: Request | undefined): Promise<boolean> {
    const { limits } = this.rules;
    const mayGoOn = request !== undefined && isDrainable(request, limits);
    await this.#tell(error, mayGoOn);
    return mayGoOn && (await drain(this.client, request, limits));
  }

  async #tell(error: SallyportError, keepAlive: boolean): Promise<void> {
    const { status, reason, contentType, body, fields: more = [] } = this.rules.refusal(error);
    const bytes = Buffer.from(body);
    const fields = [
      { name: "Content-Type", value: contentType },
      { name: "Content-Length", value: String(bytes.length) },
      ...more,
      ...(keepAlive ? [] : [{ name: "Connection", value: "close" }]),
    ];
    await this.client.write(formatAnswerHead({ status, reason, fields }), bytes);
  }
}

function isDrainable({ keepAlive, expectsContinue, framing }: Request, { drainBytes }: HttpLimits): boolean {
  const tooLong = framing.kind === "counted" && framing.length > drainBytes;
  return keepAlive && !expectsContinue && !tooLong;
}

/** Reads and drops a request's body so that another request can follow; false when it is too long or too slow. */
async function drain(client: PulledStream, request: Request, limits: HttpLimits): Promise<boolean> {
  const body = new IncomingBody(client, request.framing, badRequest);
  const deadline = performance.now() + limits.drainMs;
  let left = limits.drainBytes;
  try {
    for (;;) {
      const piece = await body.next(deadline - performance.now());
      if (!piece) return true;
      client.consumed(piece.credit);
      left -= piece.credit;
      if (left < 0) return false;
    }
  } catch {
    return false;
  }
}

function asFailure(error: unknown): SallyportError {
  if (error instanceof SallyportError) return error;
  return badAnswer("it closed the connection without one", error);
}
