import { createLogger, type Logger } from "../../src/telemetry/log.ts";

/** A logger that keeps its lines, as text. */
export function recordedLog(): { log: Logger; lines: string[]; text(): string } {
  const lines: string[] = [];
  const log = createLogger({ level: "debug", write: (line) => void lines.push(line) });
  return { log, lines, text: () => lines.join("\n") };
}
