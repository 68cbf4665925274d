import type { Workspace } from "./workspace.ts";

/** A target on this machine that answers in upper case and ends when its client ends. */
export function upperCaseTarget(workspace: Workspace): { host: string; port: number } {
  const hostname = "127.0.0.1";
  const server = Bun.listen({
    hostname,
    port: 0,
    allowHalfOpen: true,
    socket: {
      data: (socket, chunk) => void socket.write(chunk.toString().toUpperCase()),
      end: (socket) => void socket.end(),
    },
  });
  workspace.defer(() => server.stop(true));
  return { host: hostname, port: server.port };
}
