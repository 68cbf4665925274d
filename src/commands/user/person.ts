export const personArg = {
  type: "positional",
  required: true,
  description: "The person: an e-mail address or a user id",
  valueHint: "person",
} as const;
