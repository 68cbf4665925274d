import type { Instruments } from "./instruments.ts";

/** One certificate that this process uses. */
export interface Lifetime {
  /** For people and as a label: `tls`, `ssh edge`. */
  name: string;
  from: Date;
  until: Date;
}

/** Certificates are renewed after half to two thirds of their life: with less than this left, renewal does not work. */
const TOO_LATE = 1 / 4;

/** Raises and clears CERTIFICATE_EXPIRES and CERTIFICATE_EXPIRED. Call it now and then, and when certificates change. */
export function checkCertificates(
  lifetimes: Lifetime[],
  { conditions }: Pick<Instruments, "conditions">,
  now: Date,
): void {
  const inTrouble = new Set<string>();
  for (const { name, from, until } of lifetimes) {
    const left = until.getTime() - now.getTime();
    if (left > (until.getTime() - from.getTime()) * TOO_LATE) continue;
    const place = `certificate ${name}`;
    inTrouble.add(place);
    const when = until.toISOString();
    conditions.raise(place, left > 0 ? "CERTIFICATE_EXPIRES" : "CERTIFICATE_EXPIRED", {
      text:
        left > 0 ? `The certificate ${name} ends at ${when}.` : `The certificate ${name} ended at ${when}.`,
      fix: "Look in the log why it was not renewed; a certificate from a directory has to be issued again.",
    });
  }
  conditions.clearOthers("certificate ", inTrouble);
}

/** Shows when each of them ends, from now on. */
export function measureCertificates(
  lifetimes: () => Lifetime[],
  { metrics }: Pick<Instruments, "metrics">,
): void {
  metrics.beforeRead(() => {
    metrics.certificateExpiry.reset();
    for (const { name, until } of lifetimes()) {
      metrics.certificateExpiry.set({ certificate: name }, until.getTime() / 1000);
    }
  });
}
