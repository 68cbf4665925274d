import { mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import type { OpenSshKey } from "./openssh.ts";
import { onFreePort, waitForPort } from "./ports.ts";
import { type RunningProcess, startProcess } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

export interface SshdOptions {
  hostKey: OpenSshKey;
  /** Path of the host certificate (`<hostKey>-cert.pub`). */
  hostCertificate?: string;
  /** Public lines of the CAs whose user certificates are accepted. */
  userAuthorities?: string[];
  /** Public lines of keys accepted without a certificate. */
  authorizedKeys?: string[];
  /** More lines of sshd_config, before ours (the first value of a keyword wins). */
  settings?: string[];
}

export interface Sshd {
  port: number;
  /** What it says with `-e` at LogLevel VERBOSE. */
  process: RunningProcess;
  close(): Promise<void>;
}

/** A real OpenSSH server on loopback for the current user, in the foreground. The workspace stops it. */
export async function startSshd(workspace: Workspace, o: SshdOptions): Promise<Sshd> {
  if (userInfo().uid === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const authorities = await workspace.file("sshd-user-cas", lines(o.userAuthorities));
  const authorized = await workspace.file("sshd-authorized-keys", lines(o.authorizedKeys));
  return onFreePort(async (port) => {
    const config = await workspace.file(
      `sshd_config-${port}`,
      lines([
        ...(o.settings ?? []),
        `Port ${port}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${o.hostKey.path}`,
        ...(o.hostCertificate === undefined ? [] : [`HostCertificate ${o.hostCertificate}`]),
        ...(o.userAuthorities === undefined ? [] : [`TrustedUserCAKeys ${authorities}`]),
        `AuthorizedKeysFile ${authorized}`,
        "PermitRootLogin yes",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "StrictModes no",
        "PidFile none",
        "MaxStartups 200",
        "MaxSessions 200",
        "AllowTcpForwarding yes",
        "LogLevel VERBOSE",
      ]),
    );
    // sshd re-executes itself and therefore insists on an absolute path.
    const process = startProcess(["/usr/sbin/sshd", "-D", "-e", "-f", config]);
    try {
      await process.waitForLog(`Server listening on 127.0.0.1 port ${port}`);
      await waitForPort(port);
    } catch (error) {
      await process.close();
      throw error;
    }
    return workspace.own({ port, process, close: () => stopWithSessions(process) });
  });
}

/** sshd leaves open sessions running when it is stopped; they end with the test. */
async function stopWithSessions(process: RunningProcess): Promise<void> {
  process.signal("SIGTERM");
  await Promise.race([process.exited, Bun.sleep(3000)]);
  process.kill();
}

function lines(all: string[] | undefined): string {
  return (all ?? []).map((line) => `${line}\n`).join("");
}
