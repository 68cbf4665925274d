import { z } from "zod";
import { certify, currentUser, makeKey, sshCommand } from "../support/openssh.ts";
import { mustRun, REPOSITORY, startProcess, startProduct } from "../support/processes.ts";
import { startSshd } from "../support/sshd.ts";
import type { Workspace } from "../support/workspace.ts";
import { startDelay } from "./delay.ts";
import type { DialSpec } from "./dialers.ts";
import { descendants } from "./usage.ts";

/** One way to the target, ready to be measured. */
export interface Path {
  spec: DialSpec;
  /** Pids of the processes between the load generator and the target, by their role. */
  processes: Record<string, () => number>;
}

export interface Target {
  rawPort: number;
  pid: number;
}

/** The service that every path ends at, in a process of its own. */
export async function startTarget(workspace: Workspace): Promise<Target> {
  const target = workspace.own(startProduct(["demo-target"], { home: workspace.path }));
  const { rawPort } = z.object({ rawPort: z.number() }).parse(await target.waitForJson());
  return { rawPort, pid: target.pid };
}

export function tcpPath(target: Target): Path {
  return { spec: { via: "tcp", port: target.rawPort }, processes: {} };
}

/** One TLS connection straight to the same service: what any encrypted path costs at least. */
export async function tlsPath(workspace: Workspace): Promise<Path> {
  const key = workspace.join("tls.key");
  const certificate = workspace.join("tls.crt");
  await mustRun([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
    ...["-keyout", key, "-out", certificate],
  ]);
  const server = workspace.own(
    startProcess([process.execPath, `${REPOSITORY}/test/bench/tls-target.ts`, key, certificate]),
  );
  const { rawPort } = z.object({ rawPort: z.number() }).parse(await server.waitForJson());
  return { spec: { via: "tls", port: rawPort, ca: certificate }, processes: {} };
}

/**
 * OpenSSH's reverse forwarding: `ssh -R` dials out like a gateway, sshd hands connections down like a relay. With
 * `delayMs` ssh reaches sshd over a line that long, each way.
 */
export async function sshReversePath(workspace: Workspace, target: Target, delayMs = 0): Promise<Path> {
  const cipher = "aes128-gcm@openssh.com";
  const [hostKey, userKey, authority] = await Promise.all([
    makeKey(workspace, `ssh-${delayMs}-host`),
    makeKey(workspace, `ssh-${delayMs}-user`),
    makeKey(workspace, `ssh-${delayMs}-ca`),
  ]);
  await certify({ authority, key: userKey, kind: "user", keyId: "bench", principals: [await currentUser()] });
  const sshd = await startSshd(workspace, {
    hostKey,
    userAuthorities: [authority.publicLine],
    settings: [`Ciphers ${cipher}`],
  });
  const port = delayMs > 0 ? await startDelay(workspace, sshd.port, delayMs) : sshd.port;
  const words = await sshCommand(workspace, {
    port,
    key: userKey,
    knownHosts: `[127.0.0.1]:${port} ${hostKey.publicLine}`,
    settings: ["ExitOnForwardFailure=yes", `Ciphers=${cipher}`],
    flags: ["-N", "-R", `127.0.0.1:0:127.0.0.1:${target.rawPort}`],
  });
  const ssh = workspace.own(startProcess(words));
  const line = await ssh.waitForLog(/^Allocated port \d+ for remote forward/);
  return {
    spec: { via: "tcp", port: Number(/\d+/.exec(line)?.[0]) },
    processes: {
      relay: () => descendants(sshd.process.pid).at(-1) ?? sshd.process.pid,
      gateway: () => ssh.pid,
    },
  };
}
