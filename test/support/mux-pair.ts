import { silentLogger } from "../../src/telemetry/log.ts";
import { ALPN } from "../../src/tunnel/alpn.ts";
import { openMux } from "../../src/tunnel/mux/connection.ts";
import { FrameReader, frame } from "../../src/tunnel/mux/frames.ts";
import type { ChannelRequest, Connection } from "../../src/tunnel/ssh/connection.ts";
import type { SshLimits } from "../../src/tunnel/ssh/limits.ts";
import type { Timers } from "../../src/tunnel/ssh/timers.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import type { ByteStream } from "../../src/tunnel/stream.ts";
import type { TlsConnection } from "../../src/tunnel/tls/connection.ts";
import { dialInnerTls } from "../../src/tunnel/tls/inner-client.ts";
import { openInnerTlsServer } from "../../src/tunnel/tls/inner-server.ts";
import { echo } from "./byte-stream.ts";
import { type MemoryStream, streamPair } from "./stream-pair.ts";
import { GATEWAY_ID, testPki } from "./test-pki.ts";

export interface TlsPair {
  client: TlsConnection;
  server: TlsConnection;
  /** What the client's TLS runs over, the client's end. */
  line: MemoryStream;
}

/** A client's and a gateway's end of an inner TLS session for shared tunnels, in memory. */
export async function tlsPair(): Promise<TlsPair> {
  const pki = await testPki();
  const [{ tls }, { gateway }] = await Promise.all([pki.gateway(), pki.client()]);
  const [line, far] = streamPair();
  const accepted = Promise.withResolvers<TlsConnection>();
  const inner = openInnerTlsServer({
    credentials: () => tls,
    alpns: [ALPN.sallyportMux],
    onConnection: accepted.resolve,
    log: silentLogger,
  });
  inner.accept(far);
  const client = await dialInnerTls(line, {
    identity: gateway,
    alpns: [ALPN.sallyportMux],
    gatewayId: GATEWAY_ID,
    requireUri: true,
    timeoutMs: 5000,
  });
  return { client, server: await accepted.promise, line };
}

export interface MuxPairOptions {
  /** Serves the channels at the gateway's end; an echo unless told. */
  serve?: (stream: ByteStream) => void;
  onChannel?: (request: ChannelRequest) => void;
  limits?: Partial<SshLimits>;
  timers?: Timers;
}

export interface MuxPair {
  client: Connection;
  server: Connection;
  budgets: { client: WindowBudget; server: WindowBudget };
  line: MemoryStream;
}

/** Both ends of a shared session, in memory. */
export async function muxPair(o: MuxPairOptions = {}): Promise<MuxPair> {
  const { serve = echo, onChannel = (request) => serve(request.accept()), limits, timers } = o;
  const pair = await tlsPair();
  const budgets = { client: new WindowBudget(), server: new WindowBudget() };
  const more = { limits, ...(timers && { timers }) };
  const server = openMux(pair.server.stream, { role: "server", budget: budgets.server, onChannel, ...more });
  const client = openMux(pair.client.stream, { role: "client", budget: budgets.client, ...more });
  return { client, server, budgets, line: pair.line };
}

/** A peer that speaks TLS as it should, and inside it what the test says. */
export class RawPeer {
  /** Message numbers that came, data (94) as one for each piece. */
  readonly heard: number[] = [];
  readonly payloads: Buffer[] = [];
  closed = false;

  constructor(
    readonly stream: ByteStream,
    { reads = true }: { reads?: boolean } = {},
  ) {
    const reader = new FrameReader(
      {
        message: (payload) => {
          this.heard.push(payload[0] ?? -1);
          this.payloads.push(Buffer.from(payload));
        },
        data: () => void this.heard.push(94),
      },
      0xffff_ffff,
    );
    stream.attach({
      data(chunk) {
        if (!reads) return;
        const { length } = chunk;
        reader.read(chunk);
        stream.consumed(length);
      },
      end: () => stream.end(),
      written() {},
      closed: () => {
        this.closed = true;
      },
    });
  }

  send(...payloads: Buffer[]): void {
    this.raw(Buffer.concat(payloads.map(frame)));
  }

  raw(bytes: Buffer): void {
    this.stream.write(bytes);
  }
}
