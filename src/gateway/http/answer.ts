import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { describe } from "../../telemetry/error.ts";

/** Failures have Infisical's shape, and a Content-Length, so that the connection can be used again (PROTOCOL 0.2). */
export function answerError(response: ServerResponse, status: number, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const body = errorBody(error);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.length });
  response.end(body);
}

/** The same on a connection that is not, or no longer, in HTTP's hands; the connection ends with it. */
export function endWithError(socket: Duplex, status: number, error: unknown): void {
  if (!socket.writable) return void socket.destroy();
  const body = errorBody(error);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nContent-Type: application/json\r\n`;
  socket.write(`${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`);
  socket.end(body, () => socket.destroy());
}

function errorBody(error: unknown): Buffer {
  return Buffer.from(JSON.stringify({ message: `gateway: ${describe(error)}` }));
}
