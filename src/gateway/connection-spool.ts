import { appendFile, readFile, stat, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { makePrivateDirectory } from "../host/atomic-file.ts";
import { type ConnectionRecord, connectionRecord } from "../platform-client/connections.ts";
import { parseJson } from "../platform-client/json.ts";
import { describe, systemCode } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";

/** EXTENSIONS X10. */
const LIMIT_BYTES = 10 * 1024 * 1024;

/** Records that wait for the platform, over restarts: JSON lines in the state directory, at most 10 MiB. Never fails. */
export class ConnectionSpool {
  readonly #path: string;
  #lost = 0;
  #troubled = false;
  #unreadable = false;

  constructor(
    private readonly directory: string,
    private readonly log: Logger,
    private readonly limitBytes = LIMIT_BYTES,
  ) {
    this.#path = join(directory, "connections.jsonl");
  }

  /**
   * What does not fit into the limit is lost, and counted. @returns those that the disk does not take now, whole or not
   * at all: the caller has them still
   */
  async append(records: ConnectionRecord[]): Promise<ConnectionRecord[]> {
    try {
      await makePrivateDirectory(this.directory);
      const size = await this.#size();
      let room = this.limitBytes - size;
      let text = "";
      let fitting = 0;
      for (const record of records) {
        const line = `${JSON.stringify(record)}\n`;
        room -= Buffer.byteLength(line);
        if (room < 0) break;
        text += line;
        fitting++;
      }
      if (text !== "") await this.#write(text, size);
      this.#lost += records.length - fitting;
      this.#troubled = false;
      return [];
    } catch (error) {
      const reason = describe(error);
      if (!this.#troubled) {
        const fields = { code: "STATE_UNWRITABLE", path: this.#path, reason };
        this.log.warn("The account of connections stays in memory: it can't be written", fields);
      }
      this.#troubled = true;
      return records;
    }
  }

  /**
   * Everything that waits, oldest first; undefined when it can't be read now, which is no reason to delete it. A line
   * that was cut by a crash is left out.
   */
  async read(): Promise<ConnectionRecord[] | undefined> {
    try {
      const lines = (await readFile(this.#path, "utf8")).split("\n");
      this.#unreadable = false;
      return lines.flatMap((line) => connectionRecord.safeParse(parseJson(line)).data ?? []);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return [];
      if (!this.#unreadable) {
        this.log.warn("The account of connections can't be read", {
          path: this.#path,
          reason: describe(error),
        });
      }
      this.#unreadable = true;
      return undefined;
    }
  }

  async clear(): Promise<void> {
    try {
      await unlink(this.#path);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return;
      this.log.warn("The account of connections can't be deleted", {
        path: this.#path,
        reason: describe(error),
      });
    }
  }

  /** Records lost since the last call. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Half a batch on a full disk would spoil what is appended next. */
  async #write(text: string, size: number): Promise<void> {
    try {
      await appendFile(this.#path, text, { mode: 0o600 });
    } catch (error) {
      if ((await this.#size()) > size) await truncate(this.#path, size);
      throw error;
    }
  }

  async #size(): Promise<number> {
    try {
      return (await stat(this.#path)).size;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return 0;
      throw error;
    }
  }
}
