import { listEveryAuthorityKey, storeSealedAuthority } from "../../store/authorities.ts";
import type { Sql } from "../../store/database.ts";
import {
  findInstance,
  listSealedOrganisationKeys,
  lockInstance,
  storeResealedInstance,
  storeSealedOrganisationKey,
} from "../../store/instance.ts";
import { authorityContext } from "../authorities/authorities.ts";
import { INSTANCE } from "../authorities/in-force.ts";
import {
  jwtSecretContext,
  organisationKeyContext,
  rootKeyId,
  Sealer,
  sealRootKeyCheck,
  verifyRootKey,
} from "./keyring.ts";

/**
 * Seals under another root key what the root key seals: the check value, the JWT secret, the key of each organisation and
 * the instance's authorities. What is sealed under an organisation's key stays as it is. All in the caller's transaction.
 * @returns how many values
 * @throws SallyportError ROOT_KEY_MISMATCH when `from` is not the key
 */
export async function reseal(sql: Sql, from: Uint8Array, to: Uint8Array, now: Date): Promise<number> {
  await lockInstance(sql);
  const instance = await findInstance(sql);
  if (!instance) throw new Error("There is no instance to seal anew");
  verifyRootKey(from, instance);
  const [old, next] = [new Sealer(from), new Sealer(to)];
  const anew = (sealed: string, context: string) => next.seal(old.open(sealed, context), context);
  await storeResealedInstance(sql, {
    rootKeyCheck: sealRootKeyCheck(to, instance.id),
    rootKeyId: rootKeyId(to),
    jwtSecret: anew(instance.sealed_jwt_secret, jwtSecretContext(instance.id)),
    now: now.toISOString(),
  });
  const organisations = await listSealedOrganisationKeys(sql);
  for (const { key, sealed } of organisations) {
    await storeSealedOrganisationKey(sql, { key, sealed: anew(sealed, organisationKeyContext(key)) });
  }
  const authorities = await listEveryAuthorityKey(sql, INSTANCE);
  for (const row of authorities) {
    const sealed_key = anew(row.sealed_key, authorityContext(INSTANCE, row.generation, row.name));
    await storeSealedAuthority(sql, INSTANCE, { ...row, sealed_key });
  }
  return 2 + organisations.length + authorities.length;
}
