import { isSameConf, writeConf } from "../conf-file.ts";
import type { ServiceConf } from "./describe-service.ts";

/** A conf that is there now. */
export type KeptConf = ServiceConf & { changed: boolean };

/** Writes the conf of a service unless that is what it holds. @throws SallyportError FILE_UNWRITABLE */
export async function keepConf(
  path: string,
  before: ReadonlyMap<string, string> | undefined,
  values: ReadonlyMap<string, string>,
): Promise<KeptConf> {
  const changed = !isSameConf(before, values);
  if (changed) await writeConf(path, values);
  return { path, values, changed };
}
