import type { SallyportError } from "../telemetry/error.ts";
import { ALPN } from "./alpn.ts";
import { refusalFrame } from "./mux/frames.ts";
import { errorLine } from "./status-line.ts";

/** Clients that read a line before anything else (EXTENSIONS X5). */
const READS_LINE: ReadonlySet<string | null> = new Set([ALPN.relay, ALPN.relayAside, ALPN.sallyportTcp]);

/** How a client that has agreed on this protocol is told why it is not served; null: it understands no reason. */
export function refusalOf(
  alpn: string | null,
  { code, message }: Pick<SallyportError, "code" | "message">,
): Buffer | null {
  if (alpn === ALPN.sallyportMux) return refusalFrame(code, message);
  return READS_LINE.has(alpn) ? errorLine(code, message) : null;
}
