import { matchAddresses } from "../host/address-ranges.ts";
import type { Clock } from "../host/clock.ts";
import type { RelayCredentials } from "../pki/credentials.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { Logger } from "../telemetry/log.ts";
import type { WorkersLine } from "../telemetry/status.ts";
import type { Admission } from "../tunnel/admission.ts";
import { WindowBudget } from "../tunnel/ssh/window.ts";
import type { RelayIdentity } from "./identity.ts";
import type { RelayLimits } from "./limits.ts";
import type { Places } from "./roster.ts";
import type { OuterConnection, Routes } from "./serve-client.ts";
import type { RelaySession } from "./session.ts";
import { openSshSide } from "./ssh-side.ts";
import { openTlsSide } from "./tls-side.ts";

/** `leaving`: no new gateway is taken. `draining`: no new client either. */
export type Phase = "open" | "leaving" | "draining";

export interface ListenAt {
  hostname: string;
  /** 0 takes a free one. */
  sshPort: number;
  tlsPort: number;
  /** Other processes of this relay listen there too; the kernel spreads new connections over them. */
  shared?: boolean;
  /** Addresses and CIDRs of load balancers: they must send a PROXY header first, and nobody else may. */
  proxyFrom?: string[];
}

/** What both ports of one process need. */
export interface FrontOptions {
  listen: ListenAt;
  credentials: () => RelayCredentials;
  identity: () => RelayIdentity;
  /** Where gateways that have proved who they are get their place. */
  places: Places<RelaySession>;
  /** Where clients find them. */
  routes: Routes;
  admission: Admission;
  limits: RelayLimits;
  clock: Clock;
  instruments: Instruments;
  log: Logger;
  /** What is done with a client instead of serving it here; a worker may hand it over. */
  serve?: (client: OuterConnection, here: (client: OuterConnection) => Promise<void>) => Promise<void>;
}

/** The ports of a relay, held by this process or by its workers. */
export interface Front {
  readonly sshPort: number;
  readonly tlsPort: number;
  /** Bytes that peers may send without asking again. */
  readonly windowBudget: { used: number; limit: number };
  /** Where it is in several processes. */
  readonly workers?: WorkersLine;
  /** There are newer credentials. */
  reload(): void;
  enter(phase: Phase): void;
  /** Ends the connections of these client certificates. */
  cutClients(serials: ReadonlySet<string>): void;
  /** Stops listening and ends every connection. Safe to call twice. Resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** A front that is also served clients which came in elsewhere. */
export interface LocalFront extends Front {
  /** As if it had come in here. */
  take(client: OuterConnection): void;
}

/** Both ports in this process. @throws SallyportError PORT_IN_USE, CONFIG_INVALID */
export async function openFront(options: FrontOptions): Promise<LocalFront> {
  const { listen, limits } = options;
  const { hostname, shared = false, proxyFrom = [] } = listen;
  let phase: Phase = "open";
  const budget = new WindowBudget(limits.windowBudgetBytes);
  const common = {
    ...options,
    hostname,
    shared,
    proxies:
      proxyFrom.length === 0
        ? undefined
        : { isProxy: matchAddresses(proxyFrom), timeoutMs: limits.proxyHeaderMs, log: options.log },
    isLeaving: () => phase !== "open",
    isDraining: () => phase === "draining",
  };
  const ssh = await openSshSide({ ...common, port: listen.sshPort, budget });
  const tls = await openTlsSide({ ...common, port: listen.tlsPort }).catch((error: unknown) => {
    ssh.close();
    throw error;
  });
  return {
    sshPort: ssh.port,
    tlsPort: tls.port,
    windowBudget: budget,
    reload: () => tls.reload(),
    enter(next) {
      phase = next;
    },
    cutClients: (serials) => tls.cutClients(serials),
    take: (client) => tls.take(client),
    async close() {
      ssh.close();
      tls.close();
    },
  };
}
