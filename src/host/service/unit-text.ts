import { isAbsolute } from "node:path";
import { SallyportError } from "../../telemetry/error.ts";

/**
 * A word of `ExecStart=` that reaches the program exactly as it is: `%` and `$` mean nothing, quotes and spaces stay
 * (systemd.service(5), "Command lines").
 * @throws SallyportError CONFIG_INVALID for control characters
 */
export function unitWord(text: string): string {
  return unitValue(text.replaceAll("$", () => "$$"));
}

/**
 * A word of a setting such as `Environment=`, where a dollar sign means itself.
 * @throws SallyportError CONFIG_INVALID for control characters
 */
export function unitValue(text: string): string {
  const literal = printable(text).replaceAll("%", "%%");
  if (/^[\w@%$+=:,./-]+$/.test(literal)) return literal;
  return `"${literal.replace(/["\\]/g, "\\$&")}"`;
}

/**
 * A path as the rest of a line.
 * @throws SallyportError CONFIG_INVALID when it is relative, holds control characters or begins or ends with a space
 */
export function unitPath(path: string): string {
  if (!isAbsolute(path) || path !== path.trim()) {
    throw new SallyportError("CONFIG_INVALID", `${JSON.stringify(path)} has to be an absolute path.`);
  }
  return printable(path).replaceAll("%", "%%");
}

function printable(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text;
  throw new SallyportError(
    "CONFIG_INVALID",
    `${JSON.stringify(text.slice(0, 80))} can't go into a unit file: it holds control characters.`,
  );
}
