import { SallyportError } from "../telemetry/error.ts";
import { parseDuration } from "./duration.ts";

/** Flags of what may end by itself. */
export const endArgs = {
  for: { type: "string", description: "For how long, for example 8h or 30d", valueHint: "time" },
  until: { type: "string", description: "Until when, for example 2030-01-31T18:00:00Z", valueHint: "time" },
} as const;

/** Undefined = without end. @throws SallyportError USAGE */
export function endOf(args: { for?: string | undefined; until?: string | undefined }): Date | undefined {
  if (args.for !== undefined && args.until !== undefined) {
    throw new SallyportError("USAGE", "Give --for or --until, not both.");
  }
  if (args.for !== undefined) return new Date(Date.now() + parseDuration(args.for, "--for") * 1000);
  if (args.until === undefined) return undefined;
  const end = new Date(args.until);
  if (!Number.isNaN(end.getTime())) return end;
  throw new SallyportError("USAGE", "--until has to be a time such as 2030-01-31T18:00:00Z.");
}
