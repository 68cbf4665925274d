import { join } from "node:path";

/** The socket in a daemon's runtime directory by which its operator talks to it. */
export function controlSocket(runtimeDirectory: string): string {
  return join(runtimeDirectory, "control.sock");
}

/** Paths of the small HTTP protocol on that socket. */
export const CONTROL = { status: "/status", reload: "/reload", logLevel: "/log-level" } as const;

/** Where requests seem to go; a unix socket has no host name. */
export const CONTROL_ORIGIN = "http://control";
