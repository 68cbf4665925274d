import { namedArg } from "../named.ts";

export const roleArg = namedArg("role", "role");

export const rightArg = {
  type: "string",
  description: "A right that it has, repeatable; see: sallyport role rights",
  valueHint: "right",
} as const;
