import type { ArgsDef } from "citty";
import type { TokenRow } from "../../platform-client/calls/people.ts";
import type { PlatformClient } from "../../platform-client/client.ts";

/** For administrators. */
export const whoseArgs = {
  of: {
    type: "string",
    description: "Somebody else's, by e-mail address or user id (needs the right)",
    valueHint: "person",
  },
} satisfies ArgsDef;

/** Tokens and sessions for this organisation: one's own, or somebody else's. */
export function tokensOf({ people }: PlatformClient, person: string | undefined): Promise<TokenRow[]> {
  return person === undefined ? people.tokens() : people.tokensOf(person);
}
