/**
 * The line that opens a tunnel in HTTP mode, before the first request (PROTOCOL D).
 * `authority` is PEM text that the target's certificate has to chain to; without `verify` the gateway does not check
 * that certificate at all.
 */
export function httpPrologue(options: { verify: boolean; authority?: string }): Buffer {
  const words = ["CONFIG"];
  if (options.authority) words.push(`ca=${Buffer.from(options.authority).toString("base64")}`);
  if (options.verify) words.push("verify=true");
  return Buffer.from(`${words.join(" ")}\n`);
}
