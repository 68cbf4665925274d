import type { Code } from "../../telemetry/codes.ts";

/** What to do about a code, wherever it is met. */
const FIXES: Partial<Record<Code, string>> = {
  CLOCK_WRONG: "Set the clock of this machine, for example by switching NTP on.",
  DISK_FULL: "Free some space on that file system, or make it larger.",
  FILE_UNWRITABLE: "Give the user that the daemon runs as the right to write there.",
  FILE_UNREADABLE: "Run this as the user that owns the file, or as root.",
  CONFIG_INVALID: "Correct what the message names, or enroll or issue anew.",
  PROXY_UNREACHABLE: "Check host and port in HTTPS_PROXY or ALL_PROXY, or list the destination in NO_PROXY.",
  PROXY_REFUSED:
    "Correct the login in HTTPS_PROXY or ALL_PROXY, or have the proxy allow the destination; NO_PROXY goes direct.",
  PLATFORM_UNREACHABLE:
    "Open the way to the platform's port in the firewall, and check that the platform runs.",
  RELAY_UNREACHABLE: "Open the way to the relay's port in the firewall, and check that the relay runs.",
  TLS_UNTRUSTED:
    "Check that both ends belong to one platform or CA; name an authority of your own with --ca-file.",
  TLS_FAILED: "Look for something on the way that breaks TLS, and at the log of the other end.",
  UNAUTHENTICATED: 'Log in again with "sallyport login", or enroll again with a token of "deploy-command".',
  FORBIDDEN: "Ask for the right, or run this as the user that the daemon runs as.",
  NOT_FOUND: "Check the name; it may have been deleted.",
  GATEWAY_REVOKED: 'Enroll the gateway again with a token of "sallyport gateway deploy-command".',
  HOST_CERTIFICATE_REFUSED:
    "Restart the relay so that it gets a new host certificate, and check that relay and gateway are of one platform or CA.",
  SSH_AUTHENTICATION_FAILED:
    "Restart the gateway so that it gets a new user certificate, or enroll it again.",
  SSH_PROTOCOL:
    "Look for something else than a relay behind that port, or a firewall that changes the bytes.",
  CERTIFICATE_REFUSED: "Get a new certificate: restart the daemon, or issue the directory again.",
  GATEWAY_NOT_CONNECTED: 'Start the gateway, and run "sallyport doctor" on its machine.',
  GATEWAY_BUSY: "Try again; if this is the usual load, raise the relay's limits.",
  DAEMON_NOT_RUNNING: "Start it.",
  TARGET_DENIED: "Have the gateway's owner allow the target, with the command in the message.",
  TARGET_REFUSED: "Check that the service runs there and listens on that port.",
  TARGET_TIMEOUT: "Check the firewall between gateway and target.",
  TARGET_UNRESOLVED: "Check the target's name and the DNS of the gateway's machine.",
};

/** Where the step says more than the code. */
const BY_STEP: Record<string, string> = {
  "platform-dns": "Check the platform's name (--domain) and the DNS of this machine.",
  "relay-dns": "Check the name the relay was created with, and the DNS of this machine.",
  "ssh-banner":
    "Let the relay's SSH port through the firewall unchanged: what takes the connection is no relay, or one that pauses this address for a minute after refused logins.",
};

/** What to do next, one sentence. */
export function fixOf(code: Code, step: string): string {
  return BY_STEP[step] ?? FIXES[code] ?? "Do what the message says, or look at the log of the other end.";
}
