import type { Role } from "../paths.ts";

/** A daemon as a service manager is told about it. Nothing in it is secret: unit files can be read by everybody. */
export interface Service {
  role: Role;
  name: string;
  /** Absolute path of the installed program. */
  executable: string;
  /** Arguments after it, without secrets. */
  args: string[];
  /** Conf file, 0600 and root's; handed to the daemon as a credential. */
  confPath: string;
  /** Secrets that the conf keeps in files of their own: `id` is the variable that `secret()` looks for. */
  secretFiles: SecretFile[];
  /** Authorities to trust, which may lie where the daemon can't read. */
  caFile: string | undefined;
  /** Environment variables, without secrets. */
  environment: Record<string, string>;
  /** It listens on a port below 1024. */
  lowPorts: boolean;
  /** How long it may take to drain, in seconds. */
  drainSeconds: number;
}

/** A file that only root can read, and the name under which the daemon gets a copy. */
export interface SecretFile {
  id: string;
  path: string;
}
