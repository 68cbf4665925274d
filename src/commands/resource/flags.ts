import { parseHostPort } from "../../host/address.ts";
import type { ResourceRow } from "../../platform-client/calls/resources.ts";
import { RESOURCE_KINDS, type ResourceKind, usualPort } from "../../platform-client/resource-kinds.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** What a resource is and where, for commands that say so. */
export const placeArgs = {
  gateway: { type: "string", description: "Gateway that reaches it", valueHint: "name" },
  pool: { type: "string", description: "Pool of gateways that reach it, instead of one", valueHint: "name" },
} as const;

const options: ResourceKind[] = [...RESOURCE_KINDS];

export const kindArg = {
  type: "enum" as const,
  options,
  description:
    "What it is: decides its usual port and what connect says; http goes through the gateway as HTTP",
};

export const targetArg = {
  type: "string",
  description: "What the gateway dials, as seen from its network; without port the kind's usual one",
  valueHint: "host[:port]",
} as const;

/** @throws SallyportError USAGE when both are named */
export function placeOf(args: { gateway?: string | undefined; pool?: string | undefined }) {
  if (args.gateway !== undefined && args.pool !== undefined) {
    throw new SallyportError("USAGE", "Give --gateway or --pool, not both.");
  }
  return {
    ...(args.gateway !== undefined && { gatewayName: args.gateway }),
    ...(args.pool !== undefined && { poolName: args.pool }),
  };
}

/**
 * `host:port`, or a host alone where the kind has a usual port or `port` may stay as it is; for HTTP also with a scheme
 * before.
 * @throws SallyportError USAGE
 */
export function targetOf(
  text: string,
  kind: ResourceKind | undefined,
  portMayStay = false,
): { host: string; port?: number } {
  const [, scheme = "", rest = ""] = /^(https?:\/\/)?(.*)$/s.exec(text) ?? [];
  const usual = kind && usualPort(kind, scheme);
  const { host, port } = parseHostPort(rest, "--target", usual ?? (portMayStay ? 0 : undefined));
  return { host: `${scheme}${host}`, ...(port > 0 && { port }) };
}

/** What reaches it, as a table has it. */
export function behind({ gatewayName, poolName }: Pick<ResourceRow, "gatewayName" | "poolName">): string {
  return poolName ? `pool ${poolName}` : (gatewayName ?? "");
}
