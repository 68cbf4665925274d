/**
 * A loopback TCP port that was free a moment ago, for programs that cannot be told to choose one (sshd, postgres,
 * redis). Another process may take it first: start those with `onFreePort`. Our own servers listen on 0 instead.
 */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** Tries `start` on up to five free ports; the last failure is thrown. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(freePort());
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

/** Waits until something accepts TCP connections there. @throws after `deadlineMs` */
export async function waitForPort(port: number, deadlineMs = 30_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      socket.terminate();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(20);
    }
  }
}
