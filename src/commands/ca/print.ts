import { join } from "node:path";
import { shellWord } from "../../host/shell-word.ts";
import type { Identity } from "../../pki/identity.ts";
import type { Copy, Delivery } from "../../pki/offline/copies.ts";
import type { Issued } from "../../pki/offline/issued.ts";
import { printJson, printLine } from "../output.ts";

/** What `ca issue` made, and the command that uses it. */
export async function printIssued(issued: Issued<Identity>, next: string[], json: boolean): Promise<void> {
  const { identity, directory, serials } = issued;
  const missingKeys: string[] = [];
  for (const name of issued.missingKeys) {
    if (!(await Bun.file(join(directory, name)).exists())) missingKeys.push(name);
  }
  if (json) return printJson({ directory, serials, missingKeys, identity });
  printLine(`Issued ${directory}, valid until ${identity.expiresAt}.`);
  printLine(`Serials: ${serials.join(", ")}`);
  for (const name of missingKeys) printLine(`Put the private key there before use (mode 0600): ${name}`);
  printLine("Next, on the machine that runs it:");
  printLine(`  ${[...next, directory].map(shellWord).join(" ")}`);
}

/** Where new files have arrived, and where they have to be brought by hand. */
export function printDelivery({ updated, missed }: Delivery, what: string): void {
  for (const copy of updated) printLine(`Updated ${nameOf(copy)} in ${copy.directory}`);
  for (const copy of missed) {
    printLine(`Not on this machine: ${nameOf(copy)} (was ${copy.directory}): bring it ${what}`);
  }
}

export function nameOf({ role, name }: Copy): string {
  return role === "client" ? `a client of ${name}` : `${role} ${name}`;
}
