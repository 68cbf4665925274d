import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { type Finished, runProcess } from "./processes.ts";

/** Programs that the tests use, by the Debian package that has them. */
const PROGRAMS: Record<string, string[]> = {
  "openssh-client": ["ssh", "ssh-keygen"],
  "openssh-server": ["sshd"],
  postgresql: ["/usr/lib/postgresql/*/bin/postgres", "psql"],
  "redis-server": ["redis-server"],
  "redis-tools": ["redis-benchmark"],
  openssl: ["openssl"],
  gdb: ["gdb"],
  tcpdump: ["tcpdump"],
  curl: ["curl"],
  "netcat-openbsd": ["nc.openbsd"],
  iproute2: ["ip"],
  procps: ["ps", "sysctl"],
  python3: ["python3"],
  systemd: ["systemd-analyze", "systemd-notify"],
  "util-linux": ["setpriv", "unshare", "prlimit"],
  faketime: ["faketime"],
};

const PATHS = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];

/** Debian packages of which a program is missing on this machine. */
export function missingPackages(): string[] {
  return Object.entries(PROGRAMS)
    .filter(([, programs]) => !programs.every(isInstalled))
    .map(([name]) => name);
}

/**
 * Installs what is missing, from Debian. The package lists are fetched only when the installation fails without.
 * @throws with one sentence that names the packages
 */
export async function installMissingPackages(say: (line: string) => void): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const list = missing.join(" ");
  if (userInfo().uid !== 0 || !isInstalled("apt-get")) {
    throw new Error(`These Debian packages are needed, please install them: ${list}`);
  }
  say(`installing ${list}`);
  if ((await apt("install", missing)).exitCode === 0) return;
  const update = await apt("update");
  const install = await apt("install", missing);
  if (install.exitCode !== 0) {
    throw new Error(
      `These Debian packages are needed and could not be installed: ${list}
${update.stderr}${install.stderr}`,
    );
  }
}

function isInstalled(program: string): boolean {
  if (program.startsWith("/")) return !new Bun.Glob(program.slice(1)).scanSync({ cwd: "/" }).next().done;
  return PATHS.some((directory) => existsSync(`${directory}/${program}`));
}

function apt(verb: "install" | "update", packages: string[] = []): Promise<Finished> {
  const flags = verb === "install" ? ["-y", "-qq", "--no-install-recommends"] : ["-qq"];
  return runProcess(["apt-get", verb, ...flags, ...packages], {
    env: { DEBIAN_FRONTEND: "noninteractive" },
    deadlineMs: 10 * 60_000,
  });
}
