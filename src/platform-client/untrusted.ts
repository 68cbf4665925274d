import { connect } from "node:tls";
import { describe, SallyportError } from "../telemetry/error.ts";
import { printable } from "./printable.ts";

/** What a certificate says, none of it checked. */
interface Shown {
  issuer?: string | undefined;
  names?: string | undefined;
}

export function isTrustError(error: unknown): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/.test(codeOf(error));
}

/**
 * Why a platform's certificate is refused, and what to do about it.
 * @param lookUp the platform is reached directly, so that its certificate can be looked at once more to be named
 */
export async function untrustedError(
  domain: string,
  error: unknown,
  lookUp: boolean,
): Promise<SallyportError> {
  const { issuer, names } = lookUp ? await lookAt(domain) : {};
  const issued = issuer ? `, issued by ${JSON.stringify(issuer)},` : "";
  return new SallyportError("TLS_UNTRUSTED", `The certificate of ${domain}${issued} ${why(error, names)}`, {
    cause: error,
  });
}

function why(error: unknown, names: string | undefined): string {
  const code = codeOf(error);
  if (code.includes("ALTNAME")) {
    const others = names ? `other names (${names})` : "another name";
    return `is made out to ${others}: use a name in it as --domain, or have the platform's certificate made out to this one.`;
  }
  if (code === "CERT_HAS_EXPIRED") {
    return "has expired: have it renewed on the platform, or set this machine's clock right.";
  }
  if (code === "CERT_NOT_YET_VALID") return "is not valid yet: set this machine's clock right.";
  return `is not trusted (${describe(error)}): give the authority's certificate with --ca-file or SALLYPORT_CA_FILE.`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Looks at the certificate without trusting it, only to name it. Nothing is sent. */
function lookAt(domain: string): Promise<Shown> {
  const url = new URL(domain);
  return new Promise((resolve) => {
    const socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || 443),
      servername: /^[\d.]+$|:/.test(url.hostname) ? "" : url.hostname,
      rejectUnauthorized: false,
      timeout: 3000,
    });
    const finish = (shown: Shown) => {
      socket.destroy();
      resolve(shown);
    };
    socket.once("secureConnect", () => {
      const { issuer, subject, subjectaltname } = socket.getPeerCertificate();
      const from = issuer?.CN ?? issuer?.O;
      const to = subjectaltname?.replace(/\b(DNS|IP Address):/g, "") ?? subject?.CN;
      finish({
        issuer: from === undefined ? undefined : printable([from].flat().join(" ")),
        names: to === undefined ? undefined : printable([to].flat().join(", ")),
      });
    });
    socket.once("timeout", () => finish({}));
    socket.once("error", () => finish({}));
  });
}
