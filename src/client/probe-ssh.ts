import { formatHostPort } from "../host/address.ts";
import { parseSshPublicKey } from "../pki/ssh-keys.ts";
import { describe, SallyportError, systemCode } from "../telemetry/error.ts";
import { dialTcp } from "../tunnel/dial/tcp.ts";
import type { Wire } from "../tunnel/dial/wire.ts";
import { SshProbe } from "../tunnel/ssh/probe.ts";

export interface SshProbeTarget {
  /** As the relay's certificate names it. */
  host: string;
  /** Where to connect: `host` was resolved and judged already. */
  address: string;
  port: number;
  /** OpenSSH lines of the authorities that sign relays. */
  hostAuthorities: string[];
}

const TIMEOUT_MS = 10_000;
/** PROTOCOL 0.1: behind a port mapping a relay's certificate may name its own port. */
const STANDARD_PORT = 2222;

/**
 * Looks at a relay's SSH port as a gateway would, up to the login that does not take place: it answers as SSH, and
 * proves to be this relay by a host certificate of our authority. Says what identification it sent.
 * @throws SallyportError RELAY_UNREACHABLE, SSH_PROTOCOL, HOST_CERTIFICATE_REFUSED, TIMEOUT
 */
export async function probeRelaySsh(
  target: SshProbeTarget,
  { timeoutMs = TIMEOUT_MS, now = () => new Date() }: { timeoutMs?: number; now?: () => Date } = {},
): Promise<{ banner: string }> {
  const { host, address, port } = target;
  const late = new AbortController();
  const expired = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new SallyportError("TIMEOUT", `Nothing answered within ${timeoutMs / 1000} s.`);
    expired.reject(error);
    late.abort(error);
  }, timeoutMs);
  let probe: SshProbe | undefined;
  try {
    const wire = await connect(formatHostPort(host.replace(/^\[(.*)\]$/, "$1"), port), () =>
      dialTcp({ host: address, port, signal: late.signal }),
    );
    probe = new SshProbe(wire, {
      hostAuthorities: target.hostAuthorities.map(parseSshPublicKey),
      hostPrincipals: principalsOf(host, port),
      now,
    });
    const banner = await Promise.race([probe.banner(), expired.promise]);
    await Promise.race([probe.keys(), expired.promise]);
    probe.hostCertificate();
    return { banner };
  } finally {
    clearTimeout(timer);
    probe?.close();
  }
}

async function connect(where: string, dial: () => Promise<Wire>): Promise<Wire> {
  try {
    return await dial();
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    const isRefused = systemCode(error) === "ECONNREFUSED";
    const what = isRefused ? `Nothing listens on ${where}` : `Cannot connect to ${where}: ${describe(error)}`;
    throw new SallyportError("RELAY_UNREACHABLE", `${what}.`, { cause: error });
  }
}

function principalsOf(host: string, port: number): string[] {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return [...new Set([port, STANDARD_PORT])].map((each) => formatHostPort(bare, each));
}
