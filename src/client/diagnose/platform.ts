import { chooseProxy } from "../../host/proxy.ts";
import { trustedAuthorities } from "../../host/trust.ts";
import { unreachableError } from "../../platform-client/refusal.ts";
import type { Fetch } from "../../platform-client/transport.ts";
import { describe } from "../../telemetry/error.ts";
import { environmentFetch } from "../environment-fetch.ts";
import { CLOCK, judgeClock } from "./clock.ts";
import type { Surroundings } from "./context.ts";
import { lookAtWay } from "./reach.ts";
import { type Collector, notApplicable, type Outcome } from "./step.ts";

export interface PlatformLook {
  /** Normalised: `scheme://host[:port][/path]`. */
  domain: string;
  /** PEM file of authorities besides the system's. */
  caFile?: string | undefined;
  /** Makes one call that proves who we are, and says what came of it. */
  authenticate: (signal: AbortSignal) => Promise<Outcome>;
  /** For that call; milliseconds. */
  authenticateMs?: number;
}

/** Keys of steps that others may need. */
export const PLATFORM = { reached: "platform-tls", clock: CLOCK, token: "api-token" } as const;

/** All of them: what fails behind them may have the same cause. */
export const PLATFORM_STEPS = [
  ...["platform-proxy", "platform-dns", "platform-tcp"],
  ...[PLATFORM.clock, PLATFORM.reached, PLATFORM.token],
] as const;

/** Proxy, DNS, TCP, clock, TLS and API token on the way to the platform. */
export function lookAtPlatform(look: PlatformLook, around: Surroundings): Collector {
  const { protocol, hostname, port } = new URL(look.domain);
  const secure = protocol === "https:";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const to = { host, port: Number(port) || (secure ? 443 : 80) };
  const way = lookAtWay(
    {
      what: "platform",
      at: () => to,
      caFile: look.caFile,
      proxy: (at) => chooseProxy(around.env, { protocol: secure ? "https" : "http", ...at }),
    },
    around,
  );
  const timeoutMs = around.patienceMs + 1000;
  return {
    close: () => way.close?.(),
    steps: [
      ...way.steps,
      {
        id: PLATFORM.clock,
        title: "Clock",
        needs: [way.key],
        timeoutMs,
        run: (signal) => askForTime(look, around, signal),
      },
      {
        id: PLATFORM.reached,
        title: secure ? "TLS to the platform" : "HTTP to the platform",
        needs: [way.key],
        explainedBy: [PLATFORM.clock],
        timeoutMs: timeoutMs + 3000,
        run: (signal) => askTrusted(look, around, signal),
      },
      {
        id: PLATFORM.token,
        title: "API token",
        needs: [PLATFORM.reached],
        explainedBy: [PLATFORM.clock],
        timeoutMs: look.authenticateMs ?? 10_000,
        run: look.authenticate,
      },
    ],
  };
}

/**
 * The platform's time, from a certificate that need not be trusted: a wrong clock makes good certificates look bad, so
 * it has to be known first. The request is anonymous, and of the answer only the time is read.
 */
async function askForTime(look: PlatformLook, around: Surroundings, signal: AbortSignal): Promise<Outcome> {
  let response: Response;
  const asked = around.now().getTime();
  try {
    response = await ask(look, around, signal, { rejectUnauthorized: false });
  } catch (error) {
    return notApplicable(`the platform does not say the time: ${describe(error)}`);
  }
  const answered = around.now().getTime();
  const time = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(time)) return notApplicable("the platform's answer has no Date header");
  return judgeClock((asked + answered) / 2 - time, "the platform's");
}

async function askTrusted(look: PlatformLook, around: Surroundings, signal: AbortSignal): Promise<Outcome> {
  const { domain, caFile } = look;
  const secure = domain.startsWith("https:");
  const ca = secure ? await trustedAuthorities(caFile) : undefined;
  try {
    const { status } = await ask(look, around, signal, ca && { ca });
    return secure ? `certificate trusted, HTTP ${status}` : `HTTP ${status}, without TLS`;
  } catch (error) {
    throw await unreachableError(domain, error, chooseFetch(look, around) === fetch);
  }
}

async function ask(
  look: PlatformLook,
  around: Surroundings,
  signal: AbortSignal,
  tls: Bun.TLSOptions | undefined,
): Promise<Response> {
  const response = await chooseFetch(look, around)(`${look.domain}/api/status`, {
    redirect: "manual",
    keepalive: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(around.patienceMs)]),
    ...(tls && { tls }),
  });
  await response.body?.cancel();
  return response;
}

function chooseFetch({ caFile }: PlatformLook, { env }: Surroundings): Fetch {
  return environmentFetch(env, caFile) ?? fetch;
}
