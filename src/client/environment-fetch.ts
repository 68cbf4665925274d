import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import type { Environment } from "../host/environment.ts";
import { chooseProxy, namesProxy } from "../host/proxy.ts";
import type { Fetch } from "../platform-client/transport.ts";
import type { Wire } from "../tunnel/dial/wire.ts";
import { streamOf } from "../tunnel/dial/wire-stream.ts";
import { dialOutbound } from "../tunnel/proxy/dial.ts";
import { pump } from "../tunnel/pump.ts";
import { SocketStream, streamEvents } from "../tunnel/socket.ts";

/**
 * How to reach the platform where the environment names proxies; undefined where it names none. Bun's own `fetch` knows
 * no SOCKS5, reads NO_PROXY by other rules and hides why a proxy refused. So we connect by our rules, as the tunnel
 * does, and `fetch` gets that connection through a unix socket: TLS to the platform stays its own.
 * @param caFile authorities that an https proxy may be certified by, besides the system's
 */
export function environmentFetch(env: Environment, caFile?: string): Fetch | undefined {
  if (!namesProxy(env)) return undefined;
  return async (url, init) => {
    const to = destination(url, env);
    const wire = await dialOutbound({ ...to, caFile, signal: init.signal ?? undefined });
    return await fetchOver(wire, url, init);
  };
}

function destination(url: string, env: Environment) {
  const { protocol, hostname: host, port: given } = new URL(url);
  const secure = protocol === "https:";
  const port = Number(given) || (secure ? 443 : 80);
  return { host, port, proxy: chooseProxy(env, { protocol: secure ? "https" : "http", host, port }) };
}

async function fetchOver(wire: Wire, url: string, init: BunFetchRequestInit): Promise<Response> {
  let taken = false;
  let way: Way | undefined;
  try {
    way = makeWay((inside) => {
      taken = true;
      join(inside, wire);
    });
    return await fetch(url, { ...init, unix: way.path, keepalive: false });
  } finally {
    way?.close();
    if (!taken) wire.close();
  }
}

interface Way {
  path: string;
  /** Safe to call twice. */
  close(): void;
}

/** A unix socket for one connection: it is gone once that is there, so that no process that is killed leaves it. */
function makeWay(take: (inside: SocketStream) => void): Way {
  // 0700, and short: the path of a socket may have 107 bytes.
  const directory = mkdtempSync(joinPath(tmpdir(), "sallyport-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const path = joinPath(directory, "way");
  let taken = false;
  try {
    const listener = Bun.listen<SocketStream | undefined>({
      unix: path,
      allowHalfOpen: true,
      socket: {
        ...streamEvents,
        open(socket) {
          if (taken) return socket.terminate();
          taken = true;
          remove();
          const inside = new SocketStream();
          socket.data = inside;
          inside.open(socket);
          take(inside);
        },
      },
    });
    return {
      path,
      close: () => {
        listener.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function join(inside: SocketStream, wire: Wire): void {
  void pump(inside, streamOf(wire));
}
