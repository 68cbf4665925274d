import { formatHostPort } from "../../host/address.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { formatAddress } from "../ip-address.ts";
import { canonicalHost } from "../target-host.ts";

/** Where requests go, and how they are protected on the way. */
export interface Origin {
  scheme: "http" | "https";
  host: string;
  port: number;
  /** PEM that the certificate must chain to; undefined = the system's. */
  authorities: string | undefined;
  /** False: the target's certificate is not checked at all (PROTOCOL 0.2). */
  verify: boolean;
}

const DEFAULT_PORT = { http: 80, https: 443 };

/**
 * Splits a `targetHost` that may carry a scheme; none means plain http.
 * @throws SallyportError TARGET_UNRESOLVED when there is more than a host behind the scheme
 */
export function parseOrigin(targetHost: string): { scheme: Origin["scheme"]; host: string } {
  const [, scheme = "http", host = ""] = /^(?:(https?):\/\/)?(.*?)\/?$/i.exec(targetHost) ?? [];
  const { address, name } = canonicalHost(host);
  const canonical = address ? formatAddress(address) : name;
  if (canonical === undefined) {
    throw new SallyportError(
      "TARGET_UNRESOLVED",
      `${JSON.stringify(targetHost)} is no host that can be reached.`,
    );
  }
  return { scheme: scheme.toLowerCase() === "https" ? "https" : "http", host: canonical };
}

/** The `Host` that the target expects: without the scheme's own port. */
export function hostHeader(origin: Origin): string {
  const withPort = formatHostPort(origin.host, origin.port);
  const implied = origin.port === DEFAULT_PORT[origin.scheme];
  return implied ? withPort.slice(0, -`:${origin.port}`.length) : withPort;
}
