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
 * @throws SallyportError CONFIG_INVALID
 */
export function openPlatform(
  { domain, caFile, insecureHttp = false }: PlatformAddress,
  env: Environment,
  token?: () => string | undefined | Promise<string | undefined>,
): PlatformClient {
  return new PlatformClient({
    domain,
    insecureHttp,
    fetch: environmentFetch(env, caFile),
    ...(token && { token }),
    ...(caFile && { caFile }),
  });
}
