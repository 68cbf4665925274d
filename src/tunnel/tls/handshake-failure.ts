import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";

/** What went wrong below, or in TLS itself, says nothing about a certificate: noise, damage, nothing in common. */
const NOT_VERIFICATION = /^(EPROTO|ECONNRESET|EPIPE|ETIMEDOUT|ERR_SSL_\w+)$/;
/** But these do: none was sent, or whoever sent it does not hold its key. */
const NOT_PROVED = /PEER_DID_NOT_RETURN_A_CERTIFICATE|BAD_SIGNATURE/;

/** Whether a handshake ended because the peer went away, which says nothing about its certificate. */
export function isPeerGone(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ECONNRESET" || code === "EPIPE";
}

/** Alerts by which a peer refuses our certificate (RFC 8446, 6.2), as BoringSSL names them. */
const CERTIFICATE_ALERT =
  /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED|NO_CERTIFICATE|INTERNAL_ERROR)/;

/** Whether the peer said by a TLS alert that it does not take our certificate. */
export function isCertificateAlert(error: unknown): boolean {
  if (error instanceof SallyportError) return error.code === "CERTIFICATE_REFUSED";
  return CERTIFICATE_ALERT.test(describe(error));
}

/** Whether the peer said that it speaks none of the protocols we offered. */
function isProtocolAlert(error: unknown): boolean {
  return /NO_APPLICATION_PROTOCOL/.test(describe(error));
}

/** What BoringSSL says about the peer, as an error of ours. */
export function handshakeFailure(error: unknown, peer: "client" | "server"): SallyportError {
  if (error instanceof SallyportError) return error;
  const text = describe(error ?? "the certificate is not authorised");
  if (CERTIFICATE_ALERT.test(text)) {
    return new SallyportError("TLS_FAILED", `The ${peer} refused our certificate: ${text}.`, {
      cause: error,
    });
  }
  if (!NOT_PROVED.test(text) && NOT_VERIFICATION.test(systemCode(error) ?? "")) {
    return new SallyportError("TLS_FAILED", `The TLS handshake with the ${peer} failed: ${text}.`, {
      cause: error,
    });
  }
  return new SallyportError("CERTIFICATE_REFUSED", `The certificate is refused: ${text}.`, { cause: error });
}

/** Who was dialled, for messages: "the relay relay.example:8443", and what was offered. */
export interface Dialled {
  server: string;
  protocols: readonly string[];
}

/** Why a handshake that we began has failed; null: the server closed. */
export function dialFailure(cause: unknown, { server, protocols }: Dialled): SallyportError {
  if (cause instanceof SallyportError && cause.code === "TLS_UNTRUSTED") return cause;
  if (cause === null || cause === undefined || isPeerGone(cause)) {
    return new SallyportError(
      "TLS_FAILED",
      `${capital(server)} closed the connection during the TLS handshake.`,
      { cause },
    );
  }
  if (isProtocolAlert(cause)) {
    return new SallyportError(
      "MODE_UNSUPPORTED",
      `${capital(server)} speaks none of: ${protocols.join(", ")}.`,
      {
        cause,
      },
    );
  }
  if (!(cause instanceof SallyportError) && isCertificateAlert(cause)) {
    const text = `${capital(server)} refused this client's certificate: ${describe(cause)}.`;
    return new SallyportError("CERTIFICATE_REFUSED", text, { cause });
  }
  const failure = handshakeFailure(cause, "server");
  if (failure.code !== "CERTIFICATE_REFUSED") {
    return new SallyportError("TLS_FAILED", `TLS with ${server} failed: ${describe(cause)}.`, { cause });
  }
  const text = `The certificate of ${server} is not trusted: ${reason(failure)}`;
  return new SallyportError("TLS_UNTRUSTED", text, { cause });
}

function reason({ message }: SallyportError): string {
  return message.replace(/^The certificate is (refused|malformed): /, "");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
