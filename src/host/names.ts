import { SallyportError } from "../telemetry/error.ts";

/** A DNS label: the only form that may reach a path, a unit name or a command line (ACCEPTANCE B4). */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Longest name of a relay or a pool: the SSH key id `client-<relay name>` has to fit Infisical's 50 characters. */
const RELAY_NAME_LIMIT = 32;
const GATEWAY_NAME_LIMIT = 63;

export function isGatewayName(name: string): boolean {
  return LABEL.test(name);
}

export function isRelayName(name: string): boolean {
  return name.length <= RELAY_NAME_LIMIT && LABEL.test(name);
}

/** @throws SallyportError NAME_INVALID */
export function requireGatewayName(name: string): string {
  return requireName("gateway", name, GATEWAY_NAME_LIMIT, isGatewayName(name));
}

/** @throws SallyportError NAME_INVALID */
export function requireRelayName(name: string): string {
  return requireName("relay", name, RELAY_NAME_LIMIT, isRelayName(name));
}

/** @throws SallyportError NAME_INVALID */
export function requirePoolName(name: string): string {
  return requireName("pool", name, RELAY_NAME_LIMIT, isRelayName(name));
}

function requireName(kind: string, name: string, limit: number, valid: boolean): string {
  if (valid) return name;
  throw new SallyportError(
    "NAME_INVALID",
    `${JSON.stringify(name.slice(0, 80))} is no ${kind} name: use 1 to ${limit} lower-case letters, digits and inner hyphens`,
  );
}
