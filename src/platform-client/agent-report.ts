import { z } from "zod";
import type { Condition } from "../telemetry/conditions.ts";
import { VERSION } from "../version.ts";

/**
 * What a gateway or a relay says of itself with its heartbeat (EXTENSIONS X7): the daemons write it by this shape, the
 * platform reads it by this shape and its bounds.
 */

/** A daemon that has more to complain of says the worst. */
const MOST_CONDITIONS = 32;
const CODE_LENGTH = 64;
const TITLE_LENGTH = 120;
export const TEXT_LENGTH = 500;
const NAME_LENGTH = 253;

export const reportedCondition = z.object({
  code: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/)
    .max(CODE_LENGTH),
  title: z.string().max(TITLE_LENGTH),
  severity: z.enum(["info", "warning", "error"]),
  since: z.iso.datetime({ offset: true }),
  text: z.string().max(TEXT_LENGTH),
  fix: z.string().max(TEXT_LENGTH),
  impactsTraffic: z.boolean(),
  /** The relay that it is about. */
  about: z.string().max(NAME_LENGTH).optional(),
});
export type ReportedCondition = z.infer<typeof reportedCondition>;

export const agentReport = z.object({
  /** Of the process: two that report at the same time are two copies of one gateway. */
  instance: z.uuid(),
  version: z.string().regex(/^\d{1,4}\.\d{1,4}\.\d{1,6}([-+][0-9A-Za-z.+-]{1,40})?$/),
  /** By the daemon's own clock. */
  time: z.iso.datetime({ offset: true }),
  conditions: z.array(reportedCondition).max(MOST_CONDITIONS),
});
export type AgentReport = z.infer<typeof agentReport>;

/** One for each process. */
const INSTANCE = crypto.randomUUID();

/** What this process says. The worst conditions come first, so these are what is kept. */
export function makeAgentReport(conditions: Condition[], now: Date): AgentReport {
  return {
    instance: INSTANCE,
    version: VERSION,
    time: now.toISOString(),
    conditions: conditions.slice(0, MOST_CONDITIONS).map(({ title, text, fix, about, ...rest }) => ({
      ...rest,
      title: title.slice(0, TITLE_LENGTH),
      text: text.slice(0, TEXT_LENGTH),
      fix: fix.slice(0, TEXT_LENGTH),
      ...(about !== undefined && { about: about.slice(0, NAME_LENGTH) }),
    })),
  };
}
