import { z } from "zod";
import { instant, name, text, time } from "./fields.ts";

const conditionAnswer = z.object({
  code: z.string().max(64),
  title: text,
  severity: z.string().max(16),
  since: instant,
  text,
  fix: text,
  impactsTraffic: z.boolean(),
  /** The relay that it is about, where there are several. */
  about: name.optional(),
});

/** Only from Sallyport's platform (EXTENSIONS X7). */
export const healthAnswer = z.object({
  status: z.string().max(32),
  /** Of the status. */
  since: time,
  cause: z.object({ code: z.string().max(64), text, fix: text }).nullish(),
  /** The worst first; causes only. */
  conditions: z.array(conditionAnswer).max(100).default([]),
});
export type HealthAnswer = z.infer<typeof healthAnswer>;
