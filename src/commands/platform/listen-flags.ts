import type { ArgsDef } from "citty";
import { matchAddresses } from "../../host/address-ranges.ts";
import { type Environment, setting } from "../../host/environment.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** How the platform is reached: by TLS of its own, or through proxies. */
export const listenArgs = {
  "tls-cert": {
    type: "string",
    description:
      "PEM certificate with the chain behind it, to speak TLS; read again when it changes (or SALLYPORT_TLS_CERT)",
    valueHint: "file",
  },
  "tls-key": {
    type: "string",
    description: "Its private key, PEM (or SALLYPORT_TLS_KEY)",
    valueHint: "file",
  },
  "trusted-proxy": {
    type: "string",
    description:
      "Address or CIDR of a proxy in front, whose X-Forwarded-For and -Proto count; repeatable (or SALLYPORT_TRUSTED_PROXIES, by commas)",
    valueHint: "cidr",
  },
} satisfies ArgsDef;

interface ListenFlags {
  "tls-cert"?: string | undefined;
  "tls-key"?: string | undefined;
}

/** @throws SallyportError USAGE, CONFIG_INVALID */
export function listenSettings(
  flags: ListenFlags,
  proxies: string[],
  env: Environment,
): { tls: { cert: string; key: string } | undefined; trustedProxies: string[] } {
  const cert = flags["tls-cert"] ?? setting(env, "TLS_CERT");
  const key = flags["tls-key"] ?? setting(env, "TLS_KEY");
  if ((cert === undefined) !== (key === undefined)) {
    throw new SallyportError("USAGE", "Give both --tls-cert and --tls-key, or neither.");
  }
  const fromEnvironment = (setting(env, "TRUSTED_PROXIES") ?? "")
    .split(",")
    .flatMap((one) => one.trim() || []);
  const trustedProxies = proxies.length > 0 ? proxies : fromEnvironment;
  matchAddresses(trustedProxies);
  return { tls: cert === undefined || key === undefined ? undefined : { cert, key }, trustedProxies };
}
