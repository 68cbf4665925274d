import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ServiceHost } from "./host.ts";
import type { Service } from "./service.ts";
import { serviceName } from "./service-name.ts";
import { credentialFiles } from "./systemd-unit.ts";

/**
 * Whether a running service has started with what is installed now: this very program, not a file that has been replaced,
 * and the conf as it is, of which systemd made a copy then.
 */
export async function isCurrent(service: Service, mainPid: number, { root }: ServiceHost): Promise<boolean> {
  const copies = join(root, "/run/credentials", `${serviceName(service.role, service.name)}.service`);
  const same = await Promise.all([
    isSameFile(join(root, `/proc/${mainPid}/exe`), join(root, service.executable)),
    ...credentialFiles(service).map(({ id, path }) => isSameContent(join(copies, id), path)),
  ]);
  return same.every(Boolean);
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([stat(a).catch(unknown), stat(b).catch(unknown)]);
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

async function isSameContent(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([readFile(a).catch(unknown), readFile(b).catch(unknown)]);
  return one !== undefined && other !== undefined && one.equals(other);
}

/** A file that can't be read is no proof that nothing changed. */
function unknown(): undefined {
  return undefined;
}
