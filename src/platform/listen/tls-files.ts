import { createPrivateKey, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { readTextFile } from "../../host/bounded-file.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";

/** Where the operator keeps the platform's own certificate, with the chain behind it, and its key; both PEM. */
export interface TlsFiles {
  cert: string;
  key: string;
}

export interface TlsPair {
  cert: string;
  key: string;
  /** For the log. */
  subject: string;
  expiresAt: Date;
  /** Whether it is made out to this host name or address. */
  covers(host: string): boolean;
}

/** Chains and keys are a few kilobytes. */
const FILE_LIMIT = 1024 * 1024;
const LOOK_EVERY_MS = 2000;

/**
 * A certificate and the key that belongs to it.
 * @throws SallyportError FILE_UNREADABLE, CONFIG_INVALID
 */
export async function readTlsPair(files: TlsFiles): Promise<TlsPair> {
  const cert = await requireFile(files.cert);
  const key = await requireFile(files.key);
  const leaf = parse(files.cert, "PEM certificate", () => new X509Certificate(cert));
  const privateKey = parse(files.key, "PEM private key without a passphrase", () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new SallyportError(
      "CONFIG_INVALID",
      `The key in ${files.key} is not that of the first certificate in ${files.cert}.`,
    );
  }
  return {
    cert,
    key,
    subject: leaf.subject.replaceAll("\n", ", "),
    expiresAt: new Date(leaf.validTo),
    covers: (host) => leaf.checkHost(host) !== undefined || leaf.checkIP(host) !== undefined,
  };
}

/**
 * Hands over the pair whenever the files have changed and then stayed the same for one look (2 s), or at once on SIGHUP.
 * What can't be used is logged and changes nothing; an expired certificate takes nobody's place either.
 */
export function followTlsFiles(
  files: TlsFiles,
  take: (pair: TlsPair) => void,
  { log, now = () => new Date(), lookEveryMs = LOOK_EVERY_MS }: FollowOptions,
): { close(): void } {
  const watch = { loaded: fingerprint(files), last: fingerprint(files), closed: false };
  let turn = Promise.resolve();
  const load = async () => {
    try {
      const pair = await readTlsPair(files);
      if (pair.expiresAt <= now()) {
        throw new SallyportError(
          "CONFIG_INVALID",
          `The certificate in ${files.cert} expired at ${pair.expiresAt.toISOString()}.`,
        );
      }
      if (watch.closed) return;
      take(pair);
      log.info("Took a new TLS certificate", {
        subject: pair.subject,
        expiresAt: pair.expiresAt.toISOString(),
      });
    } catch (error) {
      log.error("The new TLS files cannot be used; the old certificate stays", { reason: describe(error) });
    }
  };
  const look = async () => {
    const seen = fingerprint(files);
    const settled = (await seen) === (await watch.last);
    watch.last = seen;
    if (!settled || (await seen) === (await watch.loaded)) return;
    watch.loaded = seen;
    await load();
  };
  // One after the other: of two loads the later one has to win.
  const inTurn = (work: () => Promise<void>) => () => {
    turn = turn.then(work);
  };
  const onHangup = inTurn(async () => {
    watch.loaded = fingerprint(files);
    await load();
  });
  const timer = setInterval(inTurn(look), lookEveryMs);
  process.on("SIGHUP", onHangup);
  return {
    close() {
      watch.closed = true;
      clearInterval(timer);
      process.off("SIGHUP", onHangup);
    },
  };
}

interface FollowOptions {
  log: Logger;
  now?: () => Date;
  lookEveryMs?: number;
}

async function requireFile(path: string): Promise<string> {
  const text = await readTextFile(path, FILE_LIMIT);
  if (text !== undefined) return text;
  throw new SallyportError("FILE_UNREADABLE", `There is no file ${path}.`);
}

function parse<T>(path: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SallyportError("CONFIG_INVALID", `There is no ${what} in ${path}.`, { cause });
  }
}

/** Changes with what either path leads to, links included. */
async function fingerprint(files: TlsFiles): Promise<string> {
  const states = [files.cert, files.key].map(async (path) => {
    try {
      const { ino, size, mtimeMs } = await stat(path);
      return `${ino}:${size}:${mtimeMs}`;
    } catch {
      // Gone for a moment while it is replaced; whoever reads it says so.
      return "missing";
    }
  });
  return (await Promise.all(states)).join(" ");
}
