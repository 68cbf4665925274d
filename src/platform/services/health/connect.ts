import type { Sql } from "../../store/database.ts";
import { ensureHealth, type Subject, storeCertificateLife } from "../../store/health.ts";
import type { IssuedCertificate } from "../../store/issued-certificates.ts";

/** Whoever has just got certificates opens ports or tunnels with them first. */
const PROBE_AFTER_MS = 5000;

/** A gateway or relay has new certificates: the first that ends is the one to watch, and the platform looks soon. */
export async function noteConnect(
  sql: Sql,
  subject: Subject,
  issued: Pick<IssuedCertificate, "notAfter">[],
  now: Date,
): Promise<void> {
  const [until] = issued.map(({ notAfter }) => notAfter).sort((a, b) => a.localeCompare(b));
  const from = now.toISOString();
  if (until === undefined || !(await ensureHealth(sql, subject, from))) return;
  const probeAt = new Date(now.getTime() + PROBE_AFTER_MS).toISOString();
  const id = "gatewayId" in subject ? subject.gatewayId : subject.relayId;
  await storeCertificateLife(sql, id, { from, until, probeAt });
}
