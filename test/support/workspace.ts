import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * A private temporary directory and everything that was started in it. `close` ends what it owns, the newest first,
 * then removes the directory; it goes on after a failure and throws the first one at the end.
 */
export class Workspace implements AsyncDisposable {
  #cleanups: (() => unknown)[] = [];
  #closed = false;

  private constructor(readonly path: string) {}

  static async open(topic: string): Promise<Workspace> {
    return new Workspace(await mkdtemp(join(tmpdir(), `sallyport-${topic}-`)));
  }

  /** Runs `cleanup` when the workspace closes. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  /** Closes `thing` with the workspace. */
  own<T extends { close(): unknown }>(thing: T): T {
    this.defer(() => thing.close());
    return thing;
  }

  /** A path inside the workspace; nothing is made. */
  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Writes a file (0600 unless told) and its parent directories, and returns its path. */
  async file(name: string, content: string | Uint8Array, mode = 0o600): Promise<string> {
    const path = this.join(name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  }

  /** Makes a directory (0700) and returns its path. */
  async directory(name: string): Promise<string> {
    const path = this.join(name);
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const failures: unknown[] = [];
    for (const cleanup of this.#cleanups.reverse()) {
      try {
        await cleanup();
      } catch (error) {
        failures.push(error);
      }
    }
    await rm(this.path, { recursive: true, force: true });
    if (failures.length > 0) throw failures[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
