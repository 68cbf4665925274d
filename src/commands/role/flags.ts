export const roleArg = {
  type: "positional",
  required: true,
  description: "Name or id of the role",
  valueHint: "role",
} as const;

export const rightArg = {
  type: "string",
  description: "A right that it has, repeatable; see: sallyport role rights",
  valueHint: "right",
} as const;
