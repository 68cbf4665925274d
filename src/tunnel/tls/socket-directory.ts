import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, SallyportError } from "../../telemetry/error.ts";

/** `sun_path` holds 108 bytes with its final zero (unix(7)). */
const PATH_LIMIT = 107;
const SUFFIX = ".tls";

/** Names for unix sockets in a directory that nobody else may enter. */
export class SocketDirectory {
  private constructor(private readonly path: string) {}

  /**
   * Uses a directory of mode 0700, made if missing; sockets that a killed process left there are removed.
   * @throws SallyportError CONFIG_INVALID
   */
  static async at(path: string): Promise<SocketDirectory> {
    const directory = new SocketDirectory(path);
    directory.next();
    if ((statSync(path).mode & 0o077) !== 0) {
      throw unusable(path, "others may enter it; set its mode to 0700");
    }
    await removeStale(path);
    return directory;
  }

  /** A new directory for this process among the system's temporary files, removed at exit. @throws CONFIG_INVALID */
  static temporary(): SocketDirectory {
    const path = makeTemporary();
    process.once("exit", () => rmSync(path, { recursive: true, force: true }));
    const directory = new SocketDirectory(path);
    directory.next();
    return directory;
  }

  /**
   * A path that no other socket has. The directory is made again if something has tidied it away.
   * @throws SallyportError CONFIG_INVALID if it is too long for a unix socket
   */
  next(): string {
    const path = join(this.path, `${randomBytes(5).toString("hex")}${SUFFIX}`);
    if (Buffer.byteLength(path) > PATH_LIMIT) {
      const most = PATH_LIMIT - Buffer.byteLength(path) + Buffer.byteLength(this.path);
      throw unusable(this.path, `its name is too long for unix sockets, ${most} bytes are the most`);
    }
    try {
      mkdirSync(this.path, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw unusable(this.path, describe(cause), cause);
    }
    return path;
  }
}

function makeTemporary(): string {
  try {
    const path = mkdtempSync(join(tmpdir(), "sallyport-"));
    chmodSync(path, 0o700);
    return path;
  } catch (cause) {
    throw unusable(tmpdir(), `${describe(cause)}; set TMPDIR to one that is writable`, cause);
  }
}

/** What nobody listens on any more was left by a process that was killed. */
async function removeStale(directory: string): Promise<void> {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (name.endsWith(SUFFIX) && !(await isListening(path))) rmSync(path, { force: true });
  }
}

async function isListening(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch {
    return false;
  }
}

function unusable(path: string, why: string, cause?: unknown): SallyportError {
  return new SallyportError("CONFIG_INVALID", `The directory ${path} cannot hold sockets: ${why}.`, {
    cause,
  });
}
