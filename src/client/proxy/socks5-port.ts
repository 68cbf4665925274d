import type { HostPort } from "../../host/address.ts";
import { asSallyportError, SallyportError } from "../../telemetry/error.ts";
import { lastWords } from "../../tunnel/last-words.ts";
import { PulledStream } from "../../tunnel/pulled-stream.ts";
import { joinTunnel } from "../join-tunnel.ts";
import type { LocalPort } from "../local-server.ts";
import type { OpenedTunnel } from "../tunnel.ts";
import { openProxyPort, type ProxyPortOptions, type Ready } from "./port.ts";
import { acceptSocks, type Login, REPLY, replyFor, SocksRefusal, socksReply } from "./socks5.ts";

/** A local SOCKS5 proxy. @throws SallyportError PORT_IN_USE, CONFIG_INVALID */
export function listenSocks5(options: ProxyPortOptions): LocalPort {
  return openProxyPort(options, "--socks5", async ({ stream, settled }, ready) => {
    const local = new PulledStream(stream);
    const target = await accept(local, options.login, ready);
    const tunnel = target && (await reach(local, target, options, ready));
    settled();
    if (tunnel) await carry(local, tunnel);
  });
}

async function accept(
  local: PulledStream,
  login: Login | undefined,
  { greetingMs, report }: Ready,
): Promise<HostPort | undefined> {
  try {
    return await acceptSocks(local, login, performance.now() + greetingMs);
  } catch (error) {
    if (error instanceof SallyportError) report(error);
    await lastWords(local.handOver(), error instanceof SocksRefusal ? error.reply : null);
    return undefined;
  }
}

async function reach(
  local: PulledStream,
  target: HostPort,
  { open }: ProxyPortOptions,
  { report }: Ready,
): Promise<OpenedTunnel | undefined> {
  try {
    return await open(target);
  } catch (error) {
    const failure = asSallyportError(error, "INTERNAL", "The tunnel could not be opened");
    report(failure);
    await lastWords(local.handOver(), socksReply(replyFor(failure.code)));
    return undefined;
  }
}

async function carry(local: PulledStream, tunnel: OpenedTunnel): Promise<void> {
  try {
    await local.write(socksReply(REPLY.granted));
  } catch {
    // The program has gone meanwhile.
    return tunnel.stream.destroy();
  }
  await joinTunnel(local.handOver(), tunnel);
}
