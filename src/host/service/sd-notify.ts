import { dlopen, ptr } from "bun:ffi";

/** Messages to the service manager, one datagram each. */
export interface NotifySocket {
  /** False when it could not be handed over now; the caller may try again. */
  send(text: string): boolean;
  close(): void;
}

const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
const SYMBOLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "usize", "i32", "ptr", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const;

/** Linux's numbers; systemd runs nowhere else. */
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2_000_000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
/** `sun_path` with its NUL. */
const PATH_BYTES = 108;

/**
 * Opens the way to `$NOTIFY_SOCKET` (sd_notify(3)). Node's and Bun's sockets know no unix datagrams, so this calls libc.
 * Undefined wherever that can't be done: no systemd, no such libc, an address of another kind.
 */
export function openNotifySocket(path: string | undefined): NotifySocket | undefined {
  const address = process.platform === "linux" ? socketAddress(path ?? "") : undefined;
  const libc = address && loadLibc();
  if (!address || !libc) return undefined;
  const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (descriptor < 0) return undefined;
  let open = true;
  return {
    send(text) {
      const bytes = Buffer.from(text);
      if (!open || bytes.length === 0) return false;
      const sent = libc.sendto(
        descriptor,
        ptr(bytes),
        bytes.length,
        MSG_DONTWAIT_NOSIGNAL,
        ptr(address),
        address.length,
      );
      return Number(sent) === bytes.length;
    },
    close() {
      if (open) libc.close(descriptor);
      open = false;
    },
  };
}

/** `struct sockaddr_un`: `/path` ends with NUL, `@name` (abstract) begins with it (unix(7)). */
function socketAddress(path: string): Buffer | undefined {
  const bytes = Buffer.from(path);
  if (!/^[/@]./.test(path) || bytes.length >= PATH_BYTES) return undefined;
  const abstract = path.startsWith("@");
  if (abstract) bytes[0] = 0;
  // In the machine's own byte order.
  const family = new Uint8Array(new Uint16Array([AF_UNIX]).buffer);
  return Buffer.concat([family, bytes, Buffer.alloc(abstract ? 0 : 1)]);
}

function loadLibc() {
  for (const library of LIBRARIES) {
    try {
      return dlopen(library, SYMBOLS).symbols;
    } catch {
      // Another libc, or none that can be loaded: the next name, and at last nothing is reported.
    }
  }
  return undefined;
}
