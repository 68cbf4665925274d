import {
  type ClientRequest,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { systemCode } from "../../telemetry/error.ts";
import { answerError, endWithError } from "./answer.ts";
import { ACTION_HEADER, endToEnd, hasBody, refusal } from "./headers.ts";
import { hostHeader } from "./origin.ts";
import type { HttpSession, Route } from "./session.ts";

/** Replaced or answered by us: `Expect` was answered with 100 Continue before the request came here. */
const OURS = ["host", "expect", ACTION_HEADER];

/**
 * Sends a request on and streams the answer back. Header names, order and repetition stay as they came; the message
 * framing is made anew on each side. Trailers and 1xx answers do not pass.
 */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  session: HttpSession,
): Promise<void> {
  const refused = refusal(request);
  if (refused) return answerError(response, 400, refused);
  try {
    const route = await session.route(action(request));
    if (response.destroyed) return;
    await exchange(request, response, route);
  } catch (error) {
    answerError(response, 500, error);
  }
}

/** Resolves when the answer is through, or dropped by the client; rejects when there is none to give. */
function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  route: Route,
  again = true,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = open(request, route, []);
    // When the client has gone, the session drops its connections to the target, this request's among them.
    response.once("close", resolve);
    outgoing.once("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
      // An event stream or a watch may say nothing for long: its head must not wait for the first byte of the body.
      response.flushHeaders();
      answer.once("error", () => response.destroy());
      answer.pipe(response);
    });
    let repeatable = again;
    outgoing.on("error", (error) => {
      response.off("close", resolve);
      if (!repeatable || !wentStale(outgoing, request, error) || response.destroyed) return reject(error);
      repeatable = false;
      exchange(request, response, route, false).then(resolve, reject);
    });
    if (hasBody(request)) {
      outgoing.flushHeaders();
      request.pipe(outgoing);
    } else {
      outgoing.end();
    }
  });
}

/**
 * Forwards an `Upgrade` (WebSocket, SPDY) and, when the target agrees, joins the two connections. An ordinary answer is
 * passed back and ends the tunnel.
 */
export async function forwardUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  session: HttpSession,
): Promise<void> {
  const refused = refusal(request) ?? (hasBody(request) ? "an upgrade with a body" : undefined);
  if (refused) return endWithError(socket, 400, refused);
  try {
    const route = await session.route(action(request));
    const upgrade = ["Connection", "Upgrade", "Upgrade", request.headers.upgrade ?? ""];
    await join(open(request, route, upgrade), socket, head);
  } catch (error) {
    endWithError(socket, 500, error);
  }
}

/** Resolves when both connections are over; rejects when the target gave no answer at all. */
function join(outgoing: ClientRequest, socket: Duplex, head: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("close", resolve);
    outgoing.on("error", reject);
    outgoing.once("upgrade", (answer, target, early) => {
      const { upgrade = "" } = answer.headers;
      const headers = [...endToEnd(answer.rawHeaders), "Connection", "Upgrade", "Upgrade", upgrade];
      socket.write(headOf(answer, headers));
      socket.write(early);
      target.write(head);
      target.once("error", () => socket.destroy());
      target.once("close", () => socket.destroyed || socket.end());
      socket.once("error", () => target.destroy());
      socket.once("close", () => target.destroy());
      socket.pipe(target).pipe(socket);
    });
    outgoing.once("response", (answer) => {
      socket.write(headOf(answer, [...endToEnd(answer.rawHeaders), "Connection", "close"]));
      answer.once("error", () => socket.destroy());
      socket.once("finish", () => socket.destroy());
      answer.pipe(socket);
    });
    outgoing.end();
  });
}

function open(request: IncomingMessage, route: Route, extra: string[]): ClientRequest {
  const { origin, agent, authorization } = route;
  const dropped = authorization === undefined ? OURS : [...OURS, "authorization"];
  const headers = ["Host", hostHeader(origin), ...endToEnd(request.rawHeaders, dropped), ...extra];
  if (authorization !== undefined) headers.push("Authorization", authorization);
  if ("transfer-encoding" in request.headers) headers.push("Transfer-Encoding", "chunked");
  return openRequest({
    agent,
    host: origin.host,
    port: origin.port,
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers,
    setHost: false,
  });
}

/** The target had closed a kept connection just before we used it: harmless to repeat (RFC 9110, 9.2.2). */
function wentStale(outgoing: ClientRequest, request: IncomingMessage, error: unknown): boolean {
  const safe = request.method === "GET" || request.method === "HEAD";
  const reset = ["ECONNRESET", "EPIPE"].includes(systemCode(error) ?? "");
  return outgoing.reusedSocket && safe && reset && !hasBody(request);
}

function action(request: IncomingMessage): string | undefined {
  const value = request.headers[ACTION_HEADER];
  return typeof value === "string" ? value : undefined;
}

function headOf(answer: IncomingMessage, headers: string[]): Buffer {
  let text = `HTTP/1.1 ${answer.statusCode ?? 502} ${answer.statusMessage ?? ""}\r\n`;
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return Buffer.from(`${text}\r\n`, "latin1");
}
