import type { Grantee } from "../../platform-client/client.ts";

export const resourceArg = {
  type: "positional",
  required: true,
  description: "Name or id of the resource",
  valueHint: "name",
} as const;

export const personArg = {
  type: "positional",
  required: true,
  description: "The person: an e-mail address or a user id",
  valueHint: "person",
} as const;

export function granteeOf(person: string): Grantee {
  return person.includes("@") ? { email: person } : { userId: person };
}
