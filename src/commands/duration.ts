import { SallyportError } from "../telemetry/error.ts";

const FORM = /^(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?$/;
const UNITS = [86_400, 3600, 60, 1];
const LONGEST = 3650 * 86_400;

/**
 * Seconds of a time as people write it: `30d`, `12h`, `90m`, `45s`, `1d12h`. From 1 s to 3650 d.
 * @throws SallyportError USAGE that names the flag
 */
export function parseDuration(text: string, flag: string): number {
  const counts = FORM.exec(text)?.slice(1) ?? [];
  const seconds = counts.reduce((sum, count, unit) => sum + Number(count ?? 0) * (UNITS[unit] ?? 0), 0);
  if (seconds >= 1 && seconds <= LONGEST) return seconds;
  throw new SallyportError(
    "USAGE",
    `${flag} must be a time such as 30d, 12h or 90m, at most 3650d, not ${JSON.stringify(text.slice(0, 40))}`,
  );
}
