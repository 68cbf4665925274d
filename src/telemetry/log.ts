import { type ConsolaInstance, createConsola, type LogObject } from "consola/core";
import { visible } from "./visible.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "text" | "json";
export type Fields = Record<string, string | number | boolean | null | undefined>;

/** One line per event. Secrets never go in: neither in the message nor in a field. */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A logger that adds these fields to every line. */
  child(fields: Fields): Logger;
}

/** The log of a whole process: how much it says can be changed while it runs, its children's lines included. */
export interface ProcessLog extends Logger {
  level: LogLevel;
}

export interface LogOptions {
  format?: LogFormat;
  level?: LogLevel;
  /** Where lines go; stderr unless told. */
  write?: (line: string) => void;
  now?: () => Date;
}

export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

const LEVELS: Record<LogLevel, number> = { error: 0, warn: 1, info: 3, debug: 4 };

/** The log of a daemon: text for eyes or JSON lines for machines, on stderr. */
export function createLogger(options: LogOptions = {}): ProcessLog {
  const write = options.write ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const now = options.now ?? (() => new Date());
  const render = options.format === "json" ? renderJson : renderText;
  let level = options.level ?? "info";
  const consola = createConsola({
    level: LEVELS[level],
    throttle: 0,
    reporters: [{ log: (entry) => write(render(entry, now())) }],
  });
  return {
    ...bind(consola, {}),
    get level() {
      return level;
    },
    set level(wanted) {
      level = wanted;
      consola.level = LEVELS[wanted];
    },
  };
}

/** Swallows everything: for tests and for libraries used without a log. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

function bind(consola: ConsolaInstance, bound: Fields): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: Fields = {}) =>
      consola[level](message, { ...bound, ...fields });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => bind(consola, { ...bound, ...fields }),
  };
}

function renderJson(entry: LogObject, time: Date): string {
  const [message, fields] = entry.args as [string, Fields];
  return visible(JSON.stringify({ time: time.toISOString(), level: entry.type, message, ...fields }));
}

/** Which connection a line is about comes first: `grep '\[c17\]'` finds all that happened to it. */
function renderText(entry: LogObject, time: Date): string {
  const [message, { connection, ...fields }] = entry.args as [string, Fields];
  const prefix = connection === undefined ? "" : `[${oneLine(String(connection))}] `;
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${quote(String(value))}`);
  const level = entry.type.toUpperCase().padEnd(5);
  return visible(`${time.toISOString()} ${level} ${prefix}${oneLine(message)}${pairs.join("")}`);
}

function quote(value: string): string {
  return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}

/** A peer's text can't forge a second log line or move the cursor. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}
