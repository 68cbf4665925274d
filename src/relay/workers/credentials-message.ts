import type { RelayCredentials } from "../../pki/credentials.ts";
import type { StartMessage } from "./messages.ts";

type Sent = StartMessage["credentials"];

/** Credentials as JSON can carry them. */
export function sendable({ revocations, ...credentials }: RelayCredentials): Sent {
  if (!revocations) return credentials;
  const { serials, gatewayIds } = revocations;
  return { ...credentials, revocations: { serials: [...serials], gatewayIds: [...gatewayIds] } };
}

export function received({ revocations, ...credentials }: Sent): RelayCredentials {
  if (!revocations) return credentials;
  const { serials, gatewayIds } = revocations;
  return { ...credentials, revocations: { serials: new Set(serials), gatewayIds: new Set(gatewayIds) } };
}
