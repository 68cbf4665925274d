import { arch, platform, release, totalmem } from "node:os";
import type { Diagnosis } from "../../client/diagnose/diagnose.ts";
import { writeFileWhole } from "../../host/atomic-file.ts";
import { controlSocket } from "../../host/control/address.ts";
import { askDaemon } from "../../host/control/client.ts";
import type { Environment } from "../../host/environment.ts";
import { type Run, runCommand } from "../../host/service/run-command.ts";
import { serviceName } from "../../host/service/service-name.ts";
import { describe } from "../../telemetry/error.ts";
import { VERSION } from "../../version.ts";
import { Redactor, secretsOf } from "./redact.ts";
import type { View } from "./view.ts";

const LOG_LINES = 500;

/** Variables that say how things are reached; of all others only the presence is told. */
const SECRET_VARIABLE = /TOKEN|SECRET|PASSWORD|KEY/;
const OURS = /^(?:SALLYPORT|INFISICAL)_|^(?:https?|all|no)_proxy$/i;

/**
 * Writes what somebody who helps needs to see, without secrets, into a tar.gz archive (0600): versions, the diagnosis,
 * and of a daemon on this machine its conf, its status and the last lines of its log.
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function writeBundle(
  path: string,
  diagnosis: Diagnosis,
  { daemon }: Pick<View, "daemon">,
  env: Environment,
  run: Run = runCommand,
): Promise<void> {
  const hidden = Object.entries(env).flatMap(([name, value]) => (SECRET_VARIABLE.test(name) ? [value] : []));
  const redactor = new Redactor([
    ...hidden,
    ...secretsOf(daemon?.conf ?? new Map()),
    ...(daemon?.secrets ?? []),
  ]);
  const files: Record<string, string> = {
    "doctor.json": json(diagnosis),
    "versions.json": json({
      sallyport: VERSION,
      bun: Bun.version,
      system: `${platform()} ${release()} ${arch()}`,
      memoryBytes: totalmem(),
    }),
    "environment.txt": environment(env),
  };
  if (daemon) {
    files["conf.txt"] = redactor.conf(daemon.conf);
    files["status.json"] = await status(daemon.runtimeDirectory);
    const unit = serviceName(daemon.role, daemon.name);
    const { exitCode, stdout } = await run(["journalctl", "-u", unit, "-n", `${LOG_LINES}`, "--no-pager"]);
    if (exitCode === 0) files["log.txt"] = stdout;
  }
  const redacted = Object.entries(files).map(([name, text]) => [
    `sallyport-doctor/${name}`,
    redactor.text(text),
  ]);
  const archive = new Bun.Archive(Object.fromEntries(redacted), { compress: "gzip" });
  await writeFileWhole(path, await archive.bytes());
}

async function status(runtimeDirectory: string): Promise<string> {
  try {
    return json(await askDaemon(controlSocket(runtimeDirectory)));
  } catch (error) {
    return json({ unavailable: describe(error) });
  }
}

function environment(env: Environment): string {
  const ours = Object.entries(env).filter(([name]) => OURS.test(name));
  const lines = ours.map(([name, value]) => `${name}=${SECRET_VARIABLE.test(name) ? "<redacted>" : value}`);
  return `${lines.sort().join("\n")}\n`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
