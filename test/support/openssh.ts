import { readFile } from "node:fs/promises";
import { type Finished, mustRun, runProcess } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

export type KeyType = "ed25519" | "ecdsa" | "rsa";

/** A key pair made by ssh-keygen. */
export interface OpenSshKey {
  /** Path of the private key; the public one is `<path>.pub`, a certificate `<path>-cert.pub`. */
  path: string;
  publicLine: string;
  privateKey: string;
}

export interface CertificateOptions {
  authority: OpenSshKey;
  key: OpenSshKey;
  kind: "user" | "host";
  keyId: string;
  /** None: ssh-keygen makes a certificate without principals. */
  principals: string[];
  /** ssh-keygen's `-V`: `-5m:+1h`, `20200101:20200102`, `always:forever`. */
  validity?: string;
  serial?: bigint;
  /** ssh-keygen's `-O`: `clear`, `force-command=...`, `extension:name@domain=value`, `critical:...`. */
  options?: string[];
  /** Signature algorithm (`-t`), for example `ssh-rsa` for SHA-1. */
  signatureAlgorithm?: string;
}

export async function makeKey(
  workspace: Workspace,
  name: string,
  type: KeyType = "ed25519",
  bits?: number,
): Promise<OpenSshKey> {
  const path = workspace.join(name);
  const size = bits === undefined ? [] : ["-b", String(bits)];
  await mustRun(["ssh-keygen", "-q", "-t", type, ...size, "-N", "", "-C", name, "-f", path]);
  return readKey(path);
}

/** Puts a private key of ours where OpenSSH's programs can use it. */
export async function importKey(
  workspace: Workspace,
  name: string,
  key: { privateKey: string; publicLine: string; certificate?: string },
): Promise<OpenSshKey> {
  const path = await workspace.file(name, withNewline(key.privateKey));
  await workspace.file(`${name}.pub`, withNewline(key.publicLine), 0o644);
  if (key.certificate !== undefined)
    await workspace.file(`${name}-cert.pub`, withNewline(key.certificate), 0o644);
  return readKey(path);
}

/** Signs `<key>-cert.pub` with ssh-keygen and returns its line. */
export async function certify(o: CertificateOptions): Promise<string> {
  const flags = ["-q", "-s", o.authority.path, "-I", o.keyId, "-V", o.validity ?? "-5m:+1h"];
  if (o.kind === "host") flags.push("-h");
  if (o.principals.length > 0) flags.push("-n", o.principals.join(","));
  if (o.serial !== undefined) flags.push("-z", String(o.serial));
  if (o.signatureAlgorithm !== undefined) flags.push("-t", o.signatureAlgorithm);
  for (const option of o.options ?? []) flags.push("-O", option);
  await mustRun(["ssh-keygen", ...flags, `${o.key.path}.pub`]);
  return (await readFile(`${o.key.path}-cert.pub`, "utf8")).trim();
}

/** `ssh-keygen -L` of a certificate, as the values behind its headings (`Key ID`, `Serial`, `Valid` ...). */
export async function showCertificate(path: string): Promise<Map<string, string[]>> {
  const shown = new Map<string, string[]>();
  let list: string[] = [];
  for (const line of (await mustRun(["ssh-keygen", "-L", "-f", path])).split("\n")) {
    const heading = /^ {8}(\S[^:]*): ?(.*)$/.exec(line);
    if (heading) {
      list = heading[2] ? [heading[2]] : [];
      shown.set(heading[1] ?? "", list);
    } else if (line.startsWith(" ".repeat(16))) list.push(line.trim());
  }
  return shown;
}

export interface SshOptions {
  port: number;
  key: OpenSshKey;
  /** Lines of a known_hosts file: `@cert-authority * ssh-ed25519 ...` or `[127.0.0.1]:2222 ssh-ed25519 ...`. */
  knownHosts: string;
  host?: string;
  user?: string;
  /** More `-o` settings, `ProxyCommand=...` for one. */
  settings?: string[];
  flags?: string[];
  command?: string[];
  input?: string | Uint8Array;
  deadlineMs?: number;
}

/** The words of an OpenSSH client that reads no configuration and no agent of the machine it runs on. */
export async function sshCommand(workspace: Workspace, o: SshOptions): Promise<string[]> {
  const knownHosts = await workspace.file(`known_hosts-${o.port}`, withNewline(o.knownHosts));
  const settings = [
    `UserKnownHostsFile=${knownHosts}`,
    "GlobalKnownHostsFile=none",
    "StrictHostKeyChecking=yes",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "BatchMode=yes",
    "PreferredAuthentications=publickey",
    "ConnectTimeout=15",
    "LogLevel=VERBOSE",
    ...(o.settings ?? []),
  ];
  return [
    "ssh",
    ...["-F", "none", "-p", String(o.port), "-i", o.key.path, "-l", o.user ?? (await currentUser())],
    ...settings.flatMap((setting) => ["-o", setting]),
    ...(o.flags ?? []),
    o.host ?? "127.0.0.1",
    ...(o.command ?? []),
  ];
}

/** Runs OpenSSH's client to its end. */
export async function runSsh(workspace: Workspace, o: SshOptions): Promise<Finished> {
  return runProcess(await sshCommand(workspace, o), {
    env: { HOME: workspace.path },
    ...(o.input === undefined ? {} : { input: o.input }),
    ...(o.deadlineMs === undefined ? {} : { deadlineMs: o.deadlineMs }),
  });
}

/** The login name we run as, whatever the environment says. */
export async function currentUser(): Promise<string> {
  return (await mustRun(["id", "-un"])).trim();
}

async function readKey(path: string): Promise<OpenSshKey> {
  const [publicLine, privateKey] = await Promise.all([
    readFile(`${path}.pub`, "utf8"),
    readFile(path, "utf8"),
  ]);
  return { path, publicLine: publicLine.trim(), privateKey };
}

function withNewline(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
