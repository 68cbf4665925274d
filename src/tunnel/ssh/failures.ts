import { describe, SallyportError } from "../../telemetry/error.ts";
import { peerText, protocolError } from "./messages.ts";

/** ssh2 throws plain errors at malformed packets. */
export function broken(error: unknown): SallyportError {
  const message = `The SSH connection broke: ${describe(error)}.`;
  return new SallyportError("SSH_PROTOCOL", message, { cause: error });
}

/** What ssh2 finds wrong itself. */
export function failedInside(error: Error, server: boolean): SallyportError {
  if (server || !error.message.includes("no matching host key format")) {
    return protocolError(peerText(Buffer.from(error.message)));
  }
  const message = "The relay can't prove who it is: it presents no host certificate that can be used.";
  return new SallyportError("HOST_CERTIFICATE_REFUSED", message, { cause: error });
}
