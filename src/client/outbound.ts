import type { HostPort } from "../host/address.ts";
import type { Environment } from "../host/environment.ts";
import { chooseProxy, type OutboundProxy } from "../host/proxy.ts";

/** How relays are reached from this machine. */
export interface Outbound {
  /** The proxy to a relay; undefined for the direct way. @throws SallyportError CONFIG_INVALID */
  proxy(relay: HostPort): OutboundProxy | undefined;
  /** PEM file of authorities that an https proxy may be certified by, besides the system's. */
  caFile?: string | undefined;
}

/** As the environment says (`ALL_PROXY`, then `HTTPS_PROXY`; `NO_PROXY`): the same rules as for a gateway's tunnel. */
export function environmentOutbound(env: Environment, caFile?: string): Outbound {
  return { caFile, proxy: (relay) => chooseProxy(env, { protocol: "tunnel", ...relay }) };
}
