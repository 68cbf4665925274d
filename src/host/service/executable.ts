import { realpath, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, parse } from "node:path";
import { SallyportError } from "../../telemetry/error.ts";
import { isCompiled } from "../self.ts";
import type { ServiceHost } from "./host.ts";

/** The program that runs now. */
export interface Program {
  compiled: boolean;
  path: string;
}

export function thisProgram(): Program {
  return { compiled: isCompiled(), path: process.execPath };
}

/** Where a program is installed by hand, on Linux and macOS alike. */
export const USUAL_PATH = "/usr/local/bin/sallyport";

/** World-writable, emptied at times, or hidden from services by ProtectHome and PrivateTmp. */
const UNFIT = ["/home", "/root", "/Users", "/tmp", "/var/tmp", "/private/tmp", "/dev/shm", "/run/user"];

/**
 * The path of this very program for a service to run, with symbolic links resolved.
 * @throws SallyportError UNSUPPORTED when it runs from source; CONFIG_INVALID when others could replace the file, or it
 * lies where a service has no business
 */
export async function requireInstalled({ program, machine, root }: ServiceHost): Promise<string> {
  if (!program.compiled) {
    throw new SallyportError(
      "UNSUPPORTED",
      `A service needs the executable, and this runs from source: build it ("bun run build"), then "sudo install -m 755 dist/sallyport ${USUAL_PATH}" and use that.`,
    );
  }
  const base = root && (await realpath(root));
  const path = (await realpath(join(root, program.path))).slice(base.length);
  const place = [...UNFIT, tmpdir(), machine.home].find((directory) => isBelow(path, directory));
  if (place !== undefined) throw unfit(path, `a service can't run from ${place}`);
  const writable = await worldWritable(path, base);
  if (writable !== undefined) throw unfit(path, `everybody can write to ${writable}`);
  return path;
}

function unfit(path: string, why: string): SallyportError {
  return new SallyportError(
    "CONFIG_INVALID",
    `${path} can't be a service's program, because ${why}: run "sudo install -m 755 ${path} ${USUAL_PATH}", then install the service with that.`,
  );
}

/** The file, or the first directory above it, that is world-writable. */
async function worldWritable(path: string, base: string): Promise<string | undefined> {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(join(base, at))).mode & 0o002) !== 0) return at;
    if (at === parse(at).root) return undefined;
  }
}

function isBelow(path: string, directory: string): boolean {
  return directory.length > 1 && path.startsWith(join(directory, "/"));
}
