import { cannotListen } from "./cannot-listen.ts";

/**
 * A TCP port that was free a moment ago, for a port that has to be announced before anything listens on it.
 * @throws SallyportError as `cannotListen`
 */
export function freePort(hostname: string): number {
  try {
    const listener = Bun.listen({ hostname, port: 0, socket: { data() {} } });
    const { port } = listener;
    listener.stop(true);
    return port;
  } catch (cause) {
    throw cannotListen(hostname, 0, cause);
  }
}
