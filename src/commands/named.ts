import { SallyportError } from "../telemetry/error.ts";

/** The argument that names one of them. */
export function namedArg<const Hint extends string = "name">(what: string, valueHint?: Hint) {
  return {
    type: "positional",
    required: true,
    description: `Name or id of the ${what}`,
    valueHint: valueHint ?? "name",
  } as const;
}

/**
 * The first one of that name, or the one of that id.
 * @param what as messages call it
 * @param list the command that shows them
 * @throws SallyportError NOT_FOUND with what to do
 */
export function requireNamed<T extends { id: string; name: string }>(
  rows: readonly T[],
  nameOrId: string,
  what: string,
  list: string,
): T {
  const found = rows.find(({ name }) => name === nameOrId) ?? rows.find(({ id }) => id === nameOrId);
  if (found) return found;
  throw new SallyportError(
    "NOT_FOUND",
    `Your organisation has no ${what} ${JSON.stringify(nameOrId.slice(0, 80))}: see "sallyport ${list}".`,
  );
}
