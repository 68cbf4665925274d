import type { Role } from "../../host/paths.ts";
import { identityMethodArgs } from "../identity-flags.ts";
import { serviceAccountArgs } from "../login-flags.ts";
import { sessionArgs } from "../session.ts";

/** Flags of `enroll` and `start` that gateways and relays have in common: Infisical's words (PROTOCOL 0.4) and ours. */
export function startArgs(role: Role) {
  return {
    name: {
      type: "string",
      description: `Name of the ${role} (the same as the argument)`,
      valueHint: "name",
    },
    "enroll-method": {
      type: "string",
      description: `How the ${role} logs in: token, aws or kubernetes`,
      valueHint: "method",
    },
    token: {
      type: "string",
      description: "Enrollment token, works once, or a machine identity's token; - reads it from stdin",
      valueHint: "token",
    },
    "token-file": {
      type: "string",
      description: "File that holds such a token; - for stdin",
      valueHint: "file",
    },
    ...identityMethodArgs,
    ...serviceAccountArgs,
    domain: { type: "string", description: "The platform's address", valueHint: "url" },
    "ca-file": sessionArgs["ca-file"],
    "insecure-http": sessionArgs["insecure-http"],
  } as const;
}

/** Their values, as citty parses them. */
export interface StartFlags {
  name?: string | undefined;
  "enroll-method"?: string | undefined;
  token?: string | undefined;
  "token-file"?: string | undefined;
  "auth-method"?: string | undefined;
  "client-id"?: string | undefined;
  "client-secret"?: string | undefined;
  "client-secret-file"?: string | undefined;
  "service-account-token-path"?: string | undefined;
  domain?: string | undefined;
  "ca-file"?: string | undefined;
  "insecure-http"?: boolean | undefined;
}
