import { onFreePort, waitForPort } from "./ports.ts";
import { startProcess } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

export interface Redis {
  port: number;
  close(): Promise<void>;
}

/** A Redis server on a loopback port that stores nothing. The workspace stops it. */
export function startRedis(workspace: Workspace): Promise<Redis> {
  return onFreePort(async (port) => {
    const server = startProcess(
      [
        "redis-server",
        ...["--bind", "127.0.0.1", "--port", String(port)],
        ...["--save", "", "--appendonly", "no", "--dir", workspace.path],
      ],
      { cwd: workspace.path },
    );
    try {
      await server.waitForOutput("Ready to accept connections");
      await waitForPort(port);
    } catch (error) {
      await server.close();
      throw error;
    }
    return workspace.own({ port, close: () => server.close() });
  });
}
