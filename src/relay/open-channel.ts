import type { Clock } from "../host/clock.ts";
import type { Code } from "../telemetry/codes.ts";
import { SallyportError } from "../telemetry/error.ts";
import { ChannelRefused } from "../tunnel/ssh/connection.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import type { RelaySession } from "./session.ts";

/** RFC 4254, 5.1. */
const UNKNOWN_CHANNEL_TYPE = 3;

const FIRST_PAUSE_MS = 50;
const RETRY_FOR_MS = 2_000;

/**
 * Opens a tunnel towards a gateway: a channel of type `direct-tcpip` with an empty payload (PROTOCOL 0.1). A Go gateway
 * does not know the type for some milliseconds after its log-in, so that one refusal is tried again for 2 s in all.
 * @throws SallyportError with a code of EXTENSIONS X5
 */
export async function openTowardsGateway(
  session: RelaySession,
  options: { timeoutMs: number; clock: Clock },
): Promise<ByteStream> {
  const { timeoutMs, clock } = options;
  let waited = 0;
  for (let pause = FIRST_PAUSE_MS; ; pause *= 2) {
    try {
      return await session.link.openChannel("direct-tcpip", Buffer.alloc(0), { timeoutMs });
    } catch (error) {
      const tooEarly = error instanceof ChannelRefused && error.reason === UNKNOWN_CHANNEL_TYPE;
      if (!tooEarly || waited >= RETRY_FOR_MS) throw explained(error);
      const nap = Math.min(pause, RETRY_FOR_MS - waited);
      await clock.sleep(nap);
      waited += nap;
    }
  }
}

/** What the client is told. What the gateway said is for the log only, in the cause. */
function explained(cause: unknown): SallyportError {
  const code = cause instanceof SallyportError ? cause.code : "INTERNAL";
  const text: Partial<Record<Code, string>> = {
    RESOURCE_SHORTAGE: "There is no room for another tunnel right now; try again shortly.",
    GATEWAY_BUSY: "The gateway takes no new tunnel right now; try again shortly.",
  };
  const known = text[code];
  if (known !== undefined) return new SallyportError(code, known, { cause });
  const what =
    code === "TIMEOUT"
      ? "does not answer; look at its log"
      : "has just lost its connection; try again shortly";
  return new SallyportError("GATEWAY_NOT_CONNECTED", `The gateway ${what}.`, { cause });
}
