import { SallyportError } from "../telemetry/error.ts";
import { type Environment, setting } from "./environment.ts";

interface DomainSources {
  /** `--domain`. */
  flag?: string | undefined;
  /** What the conf file says under `*_GATEWAY_DOMAIN` or `*_RELAY_DOMAIN`. */
  conf?: string | undefined;
  /** The domain that the person on this machine is logged in to. */
  profile?: string | undefined;
  env: Environment;
}

/**
 * The platform's address by PROTOCOL 0.3's precedence: the flag, the conf file, the logged-in profile, DOMAIN and
 * API_URL of the environment. The conf beats the environment.
 */
export function chooseDomain(sources: DomainSources): string | undefined {
  const { flag, conf, profile, env } = sources;
  return flag || conf || profile || setting(env, "DOMAIN") || setting(env, "API_URL");
}

/**
 * Brings an address to the form `scheme://host[:port][/path]`: without a trailing slash and without the `/api` that
 * Infisical's tools append or expect. Plain http is for this machine only, unless `insecureHttp`.
 * @throws SallyportError CONFIG_INVALID
 */
export function normaliseDomain(text: string, options: { insecureHttp?: boolean } = {}): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (!url?.hostname || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw invalid(
      `The domain has to look like https://sallyport.example.com, not ${JSON.stringify(text.slice(0, 80))}.`,
    );
  }
  if (url.username || url.password) throw invalid("The domain may not hold a user name or a password.");
  if (url.search || url.hash) throw invalid("The domain may not hold a query (?) or a fragment (#).");
  if (url.protocol === "http:" && !options.insecureHttp && !isLoopback(url.hostname)) {
    throw invalid(
      `http://${url.host} would send tokens in clear. Use https://, or add --insecure-http if the network is trusted.`,
    );
  }
  const path = url.pathname.replace(/\/+$/, "").replace(/\/api$/, "");
  return `${url.origin}${path}`;
}

export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function invalid(message: string): SallyportError {
  return new SallyportError("CONFIG_INVALID", message);
}
