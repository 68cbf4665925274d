import type { Grantee, GrantRow } from "../../platform-client/calls/grants.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { namedArg } from "../named.ts";

export const resourceArg = namedArg("resource");

/** Whom a grant is for: a person or a machine identity. */
export const granteeArgs = {
  person: {
    type: "positional",
    required: false,
    description: "The person: an e-mail address or a user id",
    valueHint: "person",
  },
  identity: {
    type: "string",
    description: "The machine identity instead: its name or id",
    valueHint: "name",
  },
} as const;

interface GranteeFlags {
  person?: string | undefined;
  identity?: string | undefined;
}

/** @throws SallyportError USAGE unless exactly one is named */
export function granteeOf({ person, identity }: GranteeFlags): Grantee {
  if ((person === undefined) === (identity === undefined)) {
    throw new SallyportError("USAGE", "Name a person, or a machine identity with --identity.");
  }
  if (identity !== undefined) {
    return isId(identity) ? { identityId: identity } : { identityName: identity };
  }
  const named = person ?? "";
  if (named.includes("@")) return { email: named };
  if (isId(named)) return { userId: named };
  throw new SallyportError(
    "USAGE",
    `${JSON.stringify(named.slice(0, 80))} is no e-mail address and no user id: see "sallyport user list".`,
  );
}

/** How a grant's owner is shown. */
export function granteeName({ email, identityName, userId, identityId }: GrantRow): string {
  return email ?? identityName ?? userId ?? identityId ?? "?";
}

function isId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
