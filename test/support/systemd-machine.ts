import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { type Finished, type RunningProcess, runProcess, startProcess } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

const SYSTEMD = "/lib/systemd/systemd";
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Of the host's own boot: what would touch its kernel or its terminals. */
const MASKED = [
  ...["systemd-sysctl", "systemd-binfmt", "systemd-modules-load", "systemd-remount-fs", "systemd-sysusers"],
  ...["systemd-udevd", "systemd-udev-trigger", "systemd-logind", "console-getty", "getty@tty1"],
  ...[
    "systemd-update-utmp",
    "systemd-update-utmp-runlevel",
    "systemd-tmpfiles-setup-dev",
    "systemd-random-seed",
  ],
]
  .map((name) => `${name}.service`)
  .concat("dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount")
  .concat("sys-fs-fuse-connections.mount", "sys-kernel-config.mount", "proc-sys-fs-binfmt_misc.automount")
  .concat("systemd-initctl.socket", "systemd-udevd-kernel.socket", "systemd-udevd-control.socket");

/** Why no systemd can be booted here, or undefined. */
export function systemdUnavailable(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "it takes root on Linux";
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const sysAdmin = (BigInt(`0x${capabilities}`) >> 21n) & 1n;
  if (sysAdmin === 0n) return "it takes CAP_SYS_ADMIN";
  if (!existsSync(SYSTEMD)) return `there is no ${SYSTEMD}`;
  return cgroupRoot() === undefined ? "there is no cgroup2 that can be written" : undefined;
}

/**
 * A real systemd as process 1 of its own namespaces (processes, mounts, network, cgroups), with this machine's programs
 * below a layer that is thrown away: nothing that happens in it is left behind.
 */
export class SystemdMachine {
  private constructor(
    private readonly init: RunningProcess,
    private readonly pid: number,
    private readonly cgroup: string,
  ) {}

  /** @param program becomes `/usr/local/bin/sallyport` there */
  static async boot(space: Workspace, program: string): Promise<SystemdMachine> {
    const cgroup = join(cgroupRoot() ?? "", `sallyport-test-${randomBytes(6).toString("hex")}`);
    mkdirSync(cgroup);
    const script = bootScript(await space.directory("machine"), program);
    const enter = `echo $$ > ${cgroup}/cgroup.procs && exec unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup sh -c "$0"`;
    const init = startProcess(["sh", "-c", enter, script]);
    const machine = new SystemdMachine(init, await childOf(init), cgroup);
    space.own(machine);
    await machine.#booted();
    return machine;
  }

  /** Runs a shell script in there, as root. */
  run(script: string, deadlineMs = 90_000): Promise<Finished> {
    const namespaces = ["-m", "-p", "-u", "-i", "-n", "-C"];
    const env = ["env", "-i", `PATH=${PATH}`, "HOME=/root", "NO_COLOR=1"];
    return runProcess(
      ["nsenter", "-t", String(this.pid), ...namespaces, ...env, "sh", "-c", `cd /root; ${script}`],
      { deadlineMs },
    );
  }

  /** Its stdout. @throws with both outputs when it fails */
  async must(script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(script);
    if (exitCode !== 0) throw new Error(`exit code ${exitCode} of: ${script}\n${stderr}${stdout}`);
    return stdout.trim();
  }

  async close(): Promise<void> {
    this.init.kill();
    await this.init.exited;
    for (let i = 0; i < 200 && existsSync(this.cgroup); i++) {
      await removeCgroup(this.cgroup);
      await Bun.sleep(20);
    }
  }

  async #booted(): Promise<void> {
    for (let i = 0; i < 300; i++) {
      const { stdout } = await this.run("systemctl is-system-running");
      if (/^(running|degraded)$/m.test(stdout)) return;
      await Bun.sleep(50);
    }
    throw new Error(`systemd did not come up: ${this.init.stderr.text}`);
  }
}

function bootScript(directory: string, program: string): string {
  return `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs ${directory}
cd ${directory}
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for place in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs $place; done
chmod 1777 tmp
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
rm -rf etc/systemd/system etc/infisical etc/sallyport var/lib/sallyport var/lib/private var/log/journal root/.config
mkdir -p etc/systemd/system usr/local/bin
for unit in ${MASKED.join(" ")}; do ln -s /dev/null etc/systemd/system/$unit; done
install -m 755 ${program} usr/local/bin/sallyport
ip link set lo up
mkdir .former
pivot_root . .former
umount -l /.former
rmdir /.former
mount --make-rshared /
exec env -i container=sallyport-test PATH=${PATH} ${SYSTEMD} --system --unit=multi-user.target --log-target=journal --show-status=no
`;
}

/** The process that \`unshare --fork\` made: process 1 of the namespaces. */
async function childOf({ pid, stderr }: RunningProcess): Promise<number> {
  for (let i = 0; i < 400; i++) {
    const path = `/proc/${pid}/task/${pid}/children`;
    const child = existsSync(path) ? Number.parseInt(readFileSync(path, "utf8"), 10) : Number.NaN;
    if (child > 0) return child;
    await Bun.sleep(5);
  }
  throw new Error(`No namespaces could be made: ${stderr.text}`);
}

function cgroupRoot(): string | undefined {
  return /^\S+ (\S+) cgroup2 rw/m.exec(readFileSync("/proc/mounts", "utf8"))?.[1];
}

/** Deepest first; one that still has a process stays. */
async function removeCgroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await removeCgroup(join(path, entry.name));
  await rmdir(path).catch(() => undefined);
}
