import { describeProxy, type OutboundProxy } from "../../host/proxy.ts";
import { trustedAuthorities } from "../../host/trust.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Resolver } from "../dial/addresses.ts";
import { dialTcp } from "../dial/tcp.ts";
import type { Wire } from "../dial/wire.ts";
import { Dialogue } from "./dialogue.ts";
import { connectThroughHttp } from "./http-connect.ts";
import { connectThroughSocks } from "./socks5.ts";

export interface OutboundDial {
  /** A name or an address; IPv6 with or without brackets. */
  host: string;
  port: number;
  /** None: directly. A proxy resolves the name itself. */
  proxy?: OutboundProxy | undefined;
  /** PEM file of authorities that an https proxy may be certified by, besides the system's. */
  caFile?: string | undefined;
  signal?: AbortSignal | undefined;
  resolve?: Resolver | undefined;
}

/**
 * A connection to the outside, through the proxy if there is one. It reads nothing until it gets a receiver.
 * @throws SallyportError PROXY_UNREACHABLE, PROXY_REFUSED, TLS_UNTRUSTED, both naming the proxy without its login;
 * otherwise the system's error or the signal's reason
 */
export async function dialOutbound(dial: OutboundDial): Promise<Wire> {
  const { proxy } = dial;
  if (!proxy) return dialTcp(dial);
  const wire = await dialProxy(dial, proxy);
  const cancel = () => wire.close();
  dial.signal?.addEventListener("abort", cancel);
  try {
    dial.signal?.throwIfAborted();
    await askForTunnel(wire, dial, proxy);
    return wire;
  } catch (error) {
    wire.close();
    dial.signal?.throwIfAborted();
    const message = `The proxy ${describeProxy(proxy)} is no way through: ${describe(error).replace(/\.$/, "")}.`;
    throw new SallyportError("PROXY_REFUSED", message, { cause: error });
  } finally {
    dial.signal?.removeEventListener("abort", cancel);
  }
}

async function dialProxy({ signal, resolve, caFile }: OutboundDial, proxy: OutboundProxy): Promise<Wire> {
  const { host, port, protocol } = proxy;
  const tls =
    protocol === "https" ? { name: host, authorities: await trustedAuthorities(caFile) } : undefined;
  try {
    return await dialTcp({ host, port, tls, signal, resolve });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof SallyportError) throw error;
    throw new SallyportError(
      "PROXY_UNREACHABLE",
      `The proxy ${describeProxy(proxy)} can't be reached: ${describe(error)}. Check the proxy variables of the environment.`,
      { cause: error },
    );
  }
}

async function askForTunnel(wire: Wire, { host, port }: OutboundDial, proxy: OutboundProxy): Promise<void> {
  const to = { host: host.replace(/^\[(.*)\]$/, "$1"), port };
  const dialogue = new Dialogue(wire);
  const connect = proxy.protocol === "socks5" ? connectThroughSocks : connectThroughHttp;
  await connect(dialogue, to, proxy.login);
  dialogue.finish();
}

/** For messages: ` through the proxy ...`, or nothing. */
export function throughProxy(proxy: OutboundProxy | undefined): string {
  return proxy ? ` through the proxy ${describeProxy(proxy)}` : "";
}
