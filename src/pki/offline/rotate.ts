import { SallyportError } from "../../telemetry/error.ts";
import { renewOrganisationAuthorities } from "../hierarchy.ts";
import { saveAuthority } from "./authority-file.ts";
import { type Copy, copiesOf, type Delivery, deliverTrust } from "./copies.ts";
import type { Desk } from "./desk.ts";
import { sshKeyType } from "./holder-keys.ts";
import type { IssuedCertificate } from "./ledger.ts";
import { retire, trustOf } from "./trust.ts";

export interface Rotated extends Delivery {
  /** Directories whose certificates come from a retired authority: to be issued again. */
  outdated: Copy[];
}

/**
 * Replaces the issuing authorities. The old ones can sign no more but stay trusted, and directories on this machine
 * learn of the new ones at once, so both kinds of certificate work until `dropRetired`.
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function rotate(desk: Desk): Promise<Rotated> {
  const { ca, now } = desk;
  const organisation = await renewOrganisationAuthorities(ca.instance, ca.organisation.gatewayRoot, {
    orgId: ca.orgId,
    x509: ca.keyType,
    ssh: sshKeyType(ca.keyType),
    now,
  });
  ca.retired = [...ca.retired, ...retire(ca.organisation, now)];
  ca.organisation = organisation;
  return await publish(desk, outdatedOf(desk));
}

/**
 * Takes the authorities that rotations replaced out of every bundle. This is renewal, not the answer to a stolen key:
 * an X.509 authority stays under its root, and whoever presents it with a leaf still verifies. Then make a new CA.
 * @throws SallyportError NOT_FOUND if there are none, CONFLICT while something issued by them is valid
 */
export async function dropRetired(desk: Desk): Promise<Rotated> {
  const { ca } = desk;
  if (ca.retired.length === 0) {
    throw new SallyportError(
      "NOT_FOUND",
      'This CA has no old authorities: "sallyport ca rotate" makes new ones',
    );
  }
  const outdated = outdatedOf(desk);
  if (outdated.length > 0) {
    const list = outdated.map(({ role, name }) => `${role} ${name}`).join(", ");
    throw new SallyportError(
      "CONFLICT",
      `Certificates of the old authorities are still valid (${list}): issue these directories again or revoke them first`,
    );
  }
  ca.retired = [];
  return await publish(desk, []);
}

async function publish(desk: Desk, outdated: Copy[]): Promise<Rotated> {
  await saveAuthority(desk.directory, desk.key, desk.ca);
  return { outdated, ...(await deliverTrust(copiesOf(desk.ledger), trustOf(desk.ca))) };
}

/** Holders whose newest certificate is older than the last rotation. */
function outdatedOf({ ca, ledger, now }: Desk): Copy[] {
  const rotatedAt = Math.max(...ca.retired.map(({ retiredAt }) => Date.parse(retiredAt)));
  const certificates = new Map<string, IssuedCertificate[]>(
    [...ledger.relays, ...ledger.gateways, ...ledger.clients].map((entry) => [entry.id, entry.certificates]),
  );
  return copiesOf(ledger).filter(({ id }) => {
    const valid = (certificates.get(id) ?? []).filter(
      ({ expiresAt }) => Date.parse(expiresAt) > now.getTime(),
    );
    return valid.length > 0 && valid.every(({ issuedAt }) => Date.parse(issuedAt) <= rotatedAt);
  });
}
