export const destinationArg = {
  type: "positional",
  required: true,
  description: "Name or id of the destination",
  valueHint: "name",
} as const;
