import { ALPN } from "../tunnel/alpn.ts";
import { observed } from "../tunnel/observed.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import type { OpenedTunnel } from "./tunnel.ts";

/**
 * The tunnel's stream, safe to half-close. A gateway of Infisical's drops the target as soon as either direction ends
 * (PROTOCOL 0.5), so towards one our end is held back until the far side has ended.
 */
export function halfCloseable({ stream, alpn }: OpenedTunnel): ByteStream {
  if (alpn !== ALPN.tcp) return stream;
  let peerEnded = false;
  let held = false;
  const seen = observed(stream, (handler) => ({
    end() {
      peerEnded = true;
      handler.end();
      if (held) stream.end();
    },
  }));
  return {
    ...seen,
    end() {
      held = true;
      if (peerEnded) stream.end();
    },
  };
}
