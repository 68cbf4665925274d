import { chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { onFreePort } from "./ports.ts";
import { mustRun, type ProcessOptions, type RunningProcess, startProcess } from "./processes.ts";

export interface Postgres {
  port: number;
  /** `postgres://postgres@127.0.0.1:<port>/<database>`; trust authentication, no password. */
  url(database?: string): string;
  createDatabase(name: string): Promise<string>;
  /** Runs one of PostgreSQL's client programs (`psql`, `pgbench`) of the same version. */
  client(program: string, args: string[], options?: ProcessOptions): Promise<string>;
  close(): Promise<void>;
}

/**
 * A PostgreSQL cluster of its own: loopback TCP only, fsync off, gone after `close`. PostgreSQL refuses to run as
 * root, so root starts it as the `postgres` user.
 */
export async function startPostgres(): Promise<Postgres> {
  const programs = await programDirectory();
  const user = await serverUser();
  const directory = await mkdtemp(join(tmpdir(), "sallyport-postgres-"));
  if (user.uid !== undefined) await chown(directory, user.uid, user.gid ?? user.uid);
  const data = join(directory, "data");
  try {
    await mustRun(
      [
        join(programs, "initdb"),
        ...["--pgdata", data, "--username", "postgres", "--auth", "trust"],
        ...["--encoding", "UTF8", "--locale", "C", "--no-sync"],
      ],
      { ...user, cwd: directory },
    );
    const { port, server } = await onFreePort((free) => startServer(programs, data, free, user));
    return describePostgres(programs, directory, port, server);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function startServer(programs: string, data: string, port: number, user: ProcessOptions) {
  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=200",
  ];
  const server = startProcess(
    [join(programs, "postgres"), "-D", data, ...settings.flatMap((setting) => ["-c", setting])],
    { ...user, cwd: data },
  );
  try {
    await server.waitForLog("ready to accept connections");
  } catch (error) {
    await server.close();
    throw error;
  }
  return { port, server };
}

function describePostgres(
  programs: string,
  directory: string,
  port: number,
  server: RunningProcess,
): Postgres {
  const url = (database = "postgres") => `postgres://postgres@127.0.0.1:${port}/${database}`;
  const client = (program: string, args: string[], options: ProcessOptions = {}) =>
    mustRun([join(programs, program), ...args], { deadlineMs: 60_000, ...options });
  return {
    port,
    url,
    client,
    async createDatabase(name) {
      await client("psql", ["-qAt", "-c", `CREATE DATABASE "${name}"`, url()]);
      return url(name);
    },
    async close() {
      // Fast shutdown: open sessions are ended, the postmaster waits for its children.
      server.signal("SIGINT");
      await Promise.race([server.exited, Bun.sleep(10_000)]);
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Debian keeps the server programs of each version in a directory of its own, outside PATH. */
async function programDirectory(): Promise<string> {
  const root = "/usr/lib/postgresql";
  const versions = (await readdir(root)).sort((a, b) => Number(b) - Number(a));
  if (versions[0] === undefined) throw new Error("PostgreSQL's server is not installed (Debian: postgresql)");
  return join(root, versions[0], "bin");
}

async function serverUser(): Promise<ProcessOptions> {
  if (userInfo().uid !== 0) return {};
  const id = async (flag: string) => Number(await mustRun(["id", flag, "postgres"]));
  return { uid: await id("-u"), gid: await id("-g") };
}
