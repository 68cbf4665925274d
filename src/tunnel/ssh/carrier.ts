import type { SallyportError } from "../../telemetry/error.ts";
import type { ClearSender } from "./clear-data.ts";

/** What the messages of a connection with channels (RFC 4254) travel in: an SSH transport, or a TLS session. */
export interface Carrier {
  /** Who reads the messages. */
  events: CarrierEvents | null;
  /** Larger packets and windows than the common ones are only for our own ends. */
  readonly peerIsSallyport: boolean;
  /** Largest payload of a data message that we accept. */
  readonly maxPacket: number;
  /** The same for what we send, whatever the peer takes. */
  readonly longestSent: number;
  /** Whether channels may add data now; when that changes, `room` is called. */
  readonly mayTransmit: boolean;
  /** A message other than channel data. */
  send(payload: Buffer): void;
  /** SSH_MSG_CHANNEL_DATA; only while `mayTransmit`. The data is lent until this returns. */
  sendData(channel: number, data: Buffer, start: number, length: number): void;
  /** Absent or null: data goes by `sendData` only. It may change with time. */
  readonly clear?: ClearSender | null;
  /** The answer to a message that nobody knows (RFC 4253, 11.4). */
  unimplemented(): void;
  /** To be called now and then. */
  checkAge(): void;
  /** Says why, if the peer can read it, then closes. `error` is what `closed` reports: null for an end in order. */
  disconnect(reason: number, text: string, error?: SallyportError | null): void;
}

export interface CarrierEvents {
  /** A message that is none of the carrier's own. The payload is only lent, unless it is channel data. */
  message(type: number, payload: Buffer): void;
  /** Data for one of our channels, which may come in pieces of any size; it belongs to the reader. */
  channelData?(channel: number, data: Buffer): void;
  /** Output may be added again, see `mayTransmit`. */
  room(): void;
  /** Bytes have come in. */
  heard(): void;
  /** Once. Null: we closed it in order. */
  closed(error: SallyportError | null): void;
}
