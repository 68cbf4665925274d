/**
 * Every code that a user, a log line or a peer can meet, with the exit code a command ends with.
 *
 * Exit codes: 1 it failed · 2 the input or the configuration is wrong · 3 refused (credentials, rights, policy) ·
 * 4 could not be reached (network, time-out, peer absent). 0 is success and 130 an interruption.
 */
export const CODES = {
  INTERNAL: 1,
  USAGE: 2,
  CONFIG_INVALID: 2,
  NAME_INVALID: 2,
  FILE_UNREADABLE: 2,
  FILE_UNWRITABLE: 1,
  ALREADY_EXISTS: 1,
  NOT_FOUND: 1,
  PORT_IN_USE: 1,
  ADDRESS_UNAVAILABLE: 1,
  ROOT_KEY_MISMATCH: 2,
  UNSUPPORTED: 2,

  CERTIFICATE_REFUSED: 3,
  SSH_PROTOCOL: 1,
  SSH_AUTHENTICATION_FAILED: 3,
  SSH_DISCONNECTED: 4,
  HOST_CERTIFICATE_REFUSED: 3,
  TLS_FAILED: 4,
  TLS_UNTRUSTED: 3,
  TIMEOUT: 4,

  PROXY_UNREACHABLE: 4,
  PROXY_REFUSED: 3,
  RELAY_UNREACHABLE: 4,
  GATEWAY_NOT_CONNECTED: 4,
  GATEWAY_REVOKED: 3,
  GATEWAY_BUSY: 4,
  GATEWAY_DUPLICATE: 1,
  RESOURCE_SHORTAGE: 4,
  DRAINING: 4,

  TARGET_DENIED: 3,
  TARGET_REFUSED: 4,
  TARGET_TIMEOUT: 4,
  TARGET_UNRESOLVED: 4,
  TARGET_ANSWER_INVALID: 4,
  SESSION_ENDED: 3,
  MODE_UNSUPPORTED: 2,

  DAEMON_NOT_RUNNING: 4,
  CLOCK_WRONG: 1,
  DISK_FULL: 1,

  PLATFORM_UNREACHABLE: 4,
  PLATFORM_ERROR: 1,
  PLATFORM_CHANGED: 3,
  UNAUTHENTICATED: 3,
  FORBIDDEN: 3,
  ENROLLMENT_TOKEN_INVALID: 3,
  REQUEST_INVALID: 2,
  REQUEST_REFUSED: 1,
  REQUEST_TOO_LARGE: 2,
  RATE_LIMITED: 4,
  LIMIT_REACHED: 1,
  CONFLICT: 1,
  SERVICE_FAILED: 1,
  SERVICE_NOT_READY: 4,
  DATABASE_UNAVAILABLE: 4,
  DATABASE_TOO_NEW: 2,
  BACKUP_INVALID: 2,
} as const satisfies Record<string, 1 | 2 | 3 | 4>;

export type Code = keyof typeof CODES;

/** Narrows a code that came over the wire. */
export function isCode(text: string): text is Code {
  return Object.hasOwn(CODES, text);
}
