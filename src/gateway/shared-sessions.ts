import type { SallyportError } from "../telemetry/error.ts";
import { type MuxOptions, openMux, STREAM } from "../tunnel/mux/connection.ts";
import { refusalText } from "../tunnel/mux/frames.ts";
import type { ChannelRequest, Connection } from "../tunnel/ssh/connection.ts";
import { DISCONNECT, OPEN_FAILURE } from "../tunnel/ssh/messages.ts";
import { systemTimers } from "../tunnel/ssh/timers.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import type { Certificate } from "../tunnel/tls/certificate.ts";
import type { TlsSession } from "../tunnel/tls/tls-session.ts";

/** Without a tunnel for so long, up to twice that, a session is closed; our clients close theirs sooner. */
const IDLE_MS = 300_000;
/** What begins on a connection that should end is served all the same, but takes no more tunnels after this. */
const LATE_MS = 5000;
/** Longer than any tunnel is waited for; a timer takes no more. */
const NO_HURRY_MS = 2 ** 31 - 1;

export interface SharedSessionsOptions extends Pick<MuxOptions, "budget" | "limits" | "timers"> {
  /** Takes over a tunnel that the holder of this certificate has opened. */
  onTunnel: (stream: ByteStream, peer: Certificate) => void;
}

/** The sessions in which clients open one tunnel after the other (`sallyport-mux/1`). */
export class SharedSessions {
  readonly #options: SharedSessionsOptions;
  /** Each with the serial number of its certificate. */
  readonly #sessions = new Map<Connection, string>();

  constructor(options: SharedSessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** @param retiring aborts when what the session runs over should end: it then ends with its last tunnel */
  accept(stream: TlsSession, peer: Certificate, retiring: AbortSignal | undefined): void {
    const { budget, limits, timers = systemTimers, onTunnel } = this.#options;
    let wasIdle = false;
    const open = (request: ChannelRequest) => {
      if (request.type !== STREAM)
        return request.reject(OPEN_FAILURE.unknownType, `${STREAM} is served here`);
      wasIdle = false;
      onTunnel(request.accept(), peer);
    };
    const connection = openMux(stream, { role: "server", budget, limits, timers, onChannel: open });
    this.#sessions.set(connection, peer.serial);
    const stopLooking = timers.every(IDLE_MS, () => {
      const isIdle = connection.channelCount === 0;
      if (isIdle && wasIdle) end(connection, "idle");
      wasIdle = isIdle;
    });
    const retire = () => void connection.drain(NO_HURRY_MS);
    const stopLate = retiring?.aborted ? timers.after(LATE_MS, retire) : () => {};
    retiring?.addEventListener("abort", retire, { once: true });
    connection.onClosed(() => {
      stopLooking();
      stopLate();
      retiring?.removeEventListener("abort", retire);
      this.#sessions.delete(connection);
    });
  }

  /** Ends those of these certificates with the reason; whoever serves their tunnels has ended them before. */
  cut(reason: SallyportError, serials?: { has(serial: string): boolean }): void {
    for (const [connection, serial] of [...this.#sessions]) {
      if (serials === undefined || serials.has(serial))
        end(connection, refusalText(reason.code, reason.message));
    }
  }

  /** No more tunnels; each session ends with its last one. */
  drain(): void {
    for (const connection of [...this.#sessions.keys()]) void connection.drain(NO_HURRY_MS);
  }
}

function end(connection: Connection, why: string): void {
  connection.disconnect(DISCONNECT.byApplication, why);
}
