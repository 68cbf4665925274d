import { authorityFingerprint } from "../../../pki/fingerprint.ts";
import type { InstanceAuthorities, OrganisationAuthorities } from "../../../pki/hierarchy.ts";
import type { SshAuthority } from "../../../pki/ssh-authority.ts";
import type { X509Authority } from "../../../pki/x509-authority.ts";
import { SallyportError } from "../../../telemetry/error.ts";
import { insertGeneration, lastGeneration, retireEverything } from "../../store/authorities.ts";
import { deleteRotations } from "../../store/authority-rotations.ts";
import type { Core } from "../core.ts";
import { INSTANCE, type InForce } from "./in-force.ts";
import { type Author, record, tellChanged } from "./rotation.ts";

/** Trust is dropped when the event comes; this is for what brings everybody back. */
const SPREAD_SECONDS = 2;

/**
 * For a private key that is in other hands: new authorities issue from now on, and nothing that the present ones have
 * signed counts any more, at whoever hears the event (2 s). What is open is cut; relays and gateways come back with new
 * certificates by themselves. The instance's are above every organisation's relay authorities, so with them every
 * organisation's are made anew, when first needed.
 * @throws SallyportError CONFLICT when somebody else did the same, NOT_FOUND
 */
export async function replaceAuthorities(core: Core, author: Author, owner: string): Promise<void> {
  const isInstance = owner === INSTANCE;
  const distrusted = isInstance
    ? fingerprints(await core.authorities.instanceInForce(), instanceMembers)
    : fingerprints(await core.authorities.organisationInForce(owner), organisationMembers);
  const generation = (await lastGeneration(core.store.read, owner)) + 1;
  const set = isInstance
    ? (await core.authorities.makeInstance(generation)).set
    : (await organisationSet(core, owner, generation)).set;
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    await deleteRotations(sql, isInstance ? null : owner);
    await retireEverything(sql, isInstance ? null : owner);
    if (!(await insertGeneration(sql, set, now))) {
      throw new SallyportError("CONFLICT", "These authorities are being replaced already: look again.");
    }
    await record(sql, author, owner, { event: "AUTHORITIES_REPLACE", detail: { generation } }, now);
    const event = { type: "authorities.changed", withinSeconds: SPREAD_SECONDS, distrusted } as const;
    await tellChanged(sql, owner, event, now);
  });
}

async function organisationSet(core: Core, orgId: string, generation: number) {
  const { newest, newestSet } = await core.authorities.instanceInForce();
  return await core.authorities.makeOrganisation(orgId, generation, { set: newestSet, generation: newest });
}

function fingerprints<T>({ trusted }: InForce<T>, members: (set: T) => (X509Authority | SshAuthority)[]) {
  return trusted.flatMap(members).map(authorityFingerprint);
}

function instanceMembers(set: InstanceAuthorities): (X509Authority | SshAuthority)[] {
  const { rootRelay, organisationRelay, instanceRelay, instanceRelayClient, instanceRelayServer } = set;
  const x509 = [rootRelay, organisationRelay, instanceRelay, instanceRelayClient, instanceRelayServer];
  return [...x509, set.sshClient, set.sshServer];
}

function organisationMembers(set: OrganisationAuthorities): (X509Authority | SshAuthority)[] {
  const { relayClient, relayServer, gatewayRoot, gatewayServer, gatewayClient } = set;
  return [relayClient, relayServer, gatewayRoot, gatewayServer, gatewayClient, set.sshClient, set.sshServer];
}
