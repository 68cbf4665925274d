import type { SallyportError } from "../telemetry/error.ts";
import { type MuxOptions, openMux, STREAM } from "../tunnel/mux/connection.ts";
import { refusalText } from "../tunnel/mux/frames.ts";
import type { ChannelRequest, Connection } from "../tunnel/ssh/connection.ts";
import { DISCONNECT, OPEN_FAILURE } from "../tunnel/ssh/messages.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import type { Certificate } from "../tunnel/tls/certificate.ts";
import type { TlsSession } from "../tunnel/tls/tls-session.ts";

/** Without a tunnel, after which a session is closed; our clients close theirs sooner. */
const IDLE_MS = 300_000;
/** Longer than any tunnel is waited for; a timer takes no more. */
const NO_HURRY_MS = 2 ** 31 - 1;

export interface SharedSessionsOptions extends Pick<MuxOptions, "budget" | "limits"> {
  /** Takes over a tunnel that the holder of this certificate has opened. */
  onTunnel: (stream: ByteStream, peer: Certificate) => void;
}

/** The sessions in which clients open one tunnel after the other (`sallyport-mux/1`). */
export class SharedSessions {
  readonly #options: SharedSessionsOptions;
  readonly #sessions = new Map<Connection, { serial: string; idle: ReturnType<typeof setTimeout> }>();

  constructor(options: SharedSessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** @param retiring aborts when what the session runs over should end: it then ends with its last tunnel */
  accept(stream: TlsSession, peer: Certificate, retiring: AbortSignal | undefined): void {
    const { budget, limits, onTunnel } = this.#options;
    const open = (request: ChannelRequest) => {
      if (request.type !== STREAM)
        return request.reject(OPEN_FAILURE.unknownType, `${STREAM} is served here`);
      this.#sessions.get(connection)?.idle.refresh();
      onTunnel(request.accept(), peer);
    };
    const connection = openMux(stream, { role: "server", budget, limits, onChannel: open });
    const idle = setTimeout(() => {
      if (connection.channelCount === 0) end(connection, "idle");
      else idle.refresh();
    }, IDLE_MS);
    this.#sessions.set(connection, { serial: peer.serial, idle });
    const retire = () => void connection.drain(NO_HURRY_MS);
    connection.onClosed(() => {
      clearTimeout(idle);
      retiring?.removeEventListener("abort", retire);
      this.#sessions.delete(connection);
    });
    retiring?.addEventListener("abort", retire, { once: true });
    if (retiring?.aborted) retire();
  }

  /** Ends those of these certificates with the reason; whoever serves their tunnels has ended them before. */
  cut(reason: SallyportError, serials?: { has(serial: string): boolean }): void {
    for (const [connection, { serial }] of [...this.#sessions]) {
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
