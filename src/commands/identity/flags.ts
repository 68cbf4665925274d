import type { IdentityFields } from "../../platform-client/calls/identities.ts";
import { parseDuration } from "../duration.ts";
import { namedArg } from "../named.ts";

export const identityArg = namedArg("machine identity");

/** What an identity may be told to be. */
export const identityFieldArgs = {
  role: {
    type: "string",
    description: "admin, member, no-access, or a role of your organisation",
    valueHint: "role",
  },
  "token-ttl": {
    type: "string",
    description: "How long an access token is good: 1m to 366d (15m)",
    valueHint: "time",
  },
  "token-max-ttl": {
    type: "string",
    description: "How long a token may be renewed, from its login (24h)",
    valueHint: "time",
  },
} as const;

interface FieldFlags {
  role?: string | undefined;
  "token-ttl"?: string | undefined;
  "token-max-ttl"?: string | undefined;
}

/** @throws SallyportError USAGE */
export function identityFields(args: FieldFlags): IdentityFields {
  const { role, "token-ttl": ttl, "token-max-ttl": maxTtl } = args;
  return {
    ...(role !== undefined && { role }),
    ...(ttl !== undefined && { accessTokenTTL: parseDuration(ttl, "--token-ttl") }),
    ...(maxTtl !== undefined && { accessTokenMaxTTL: parseDuration(maxTtl, "--token-max-ttl") }),
  };
}
