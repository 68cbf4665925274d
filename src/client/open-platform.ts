import type { Environment } from "../host/environment.ts";
import { PlatformClient } from "../platform-client/client.ts";
import { environmentFetch } from "./environment-fetch.ts";

/** Which platform, and how to know it. */
export interface PlatformAddress {
  domain: string;
  /** PEM file of authorities besides the system's. */
  caFile?: string | undefined;
  /** Allows plain http to another machine. */
  insecureHttp?: boolean | undefined;
}

/**
 * A platform, through the proxy that the environment names. Calls nobody yet.
 * @param token asked for each call
 * @param onSlow told once for each call that has had no answer for 2 s
 * @throws SallyportError CONFIG_INVALID
 */
export function openPlatform(
  { domain, caFile, insecureHttp = false }: PlatformAddress,
  env: Environment,
  token?: () => string | undefined | Promise<string | undefined>,
  onSlow?: () => void,
): PlatformClient {
  return new PlatformClient({
    domain,
    insecureHttp,
    fetch: environmentFetch(env, caFile),
    ...(token && { token }),
    ...(onSlow && { onSlow }),
    ...(caFile && { caFile }),
  });
}
