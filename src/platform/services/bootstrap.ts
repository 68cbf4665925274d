import { randomBytes } from "node:crypto";
import type { AuthorityRecord } from "../../pki/hierarchy.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { insertApiToken } from "../store/api-tokens.ts";
import { insertAudit } from "../store/audit.ts";
import { insertGeneration, type NewGeneration } from "../store/authorities.ts";
import type { Sql } from "../store/database.ts";
import { lockInstance, spendSetupToken } from "../store/instance.ts";
import { countUsers, insertMembership, insertOrganisation, insertUser } from "../store/people.ts";
import { sealAuthorities } from "./authorities/authorities.ts";
import { INSTANCE } from "./authorities/in-force.ts";
import type { Core } from "./core.ts";
import { hashOpaqueToken, mintOpaqueToken } from "./login/opaque-tokens.ts";
import { hashPassword } from "./people/passwords.ts";

/** A hierarchy made by `ca init`, to go on with (EXTENSIONS, "The CA without a platform"). */
export interface AdoptedHierarchy {
  orgId: string;
  instance: AuthorityRecord[];
  organisation: AuthorityRecord[];
}

export interface BootstrapRequest {
  organisation: string;
  email: string;
  /** Over HTTP the set-up token is demanded; on the platform's own machine it is not. */
  setupToken?: string;
  address: string | null;
  adopt?: AdoptedHierarchy;
}

/** What is shown once and stored nowhere in the clear. */
export interface FirstAdministrator {
  organisationId: string;
  organisation: string;
  email: string;
  password: string;
  token: string;
}

/**
 * Creates the first organisation and its administrator, who also administers the instance. Works once.
 * @throws SallyportError ALREADY_EXISTS, UNAUTHENTICATED for a wrong set-up token
 */
export async function bootstrap(core: Core, request: BootstrapRequest): Promise<FirstAdministrator> {
  const { organisation, email, adopt } = request;
  const orgId = adopt?.orgId ?? crypto.randomUUID();
  const made = await newPerson(core, { orgId, organisation, email, instanceAdmin: true });
  const adopted = adopt && sealAdopted(core, orgId, made.sealedKey, adopt);
  const now = core.now().toISOString();
  await core.store.transaction(async (sql) => {
    await lockInstance(sql);
    if (request.setupToken !== undefined) await spend(sql, request.setupToken);
    if ((await countUsers(sql)) > 0) {
      throw new SallyportError(
        "ALREADY_EXISTS",
        "This platform has its first administrator already: log in instead.",
      );
    }
    await made.write(sql);
    for (const set of adopted ?? []) await adoptInto(sql, set, now);
    await insertAudit(
      sql,
      {
        orgId,
        event: "INSTANCE_BOOTSTRAP",
        actor: { type: "instance", id: null, name: null },
        address: request.address,
        detail: { organisation, email },
      },
      now,
    );
  });
  return { organisationId: orgId, organisation, email, password: made.password, token: made.token };
}

/** A new organisation with its first person, ready to be written in a transaction. */
async function newPerson(
  core: Core,
  request: { orgId: string; organisation: string; email: string; instanceAdmin: boolean },
): Promise<{
  password: string;
  token: string;
  sealedKey: string;
  write: (sql: Sql) => Promise<void>;
}> {
  const { orgId, organisation, email, instanceAdmin } = request;
  const userId = crypto.randomUUID();
  const password = randomBytes(18).toString("base64url");
  const passwordHash = await hashPassword(core, password);
  const token = mintOpaqueToken("spt_");
  const sealedKey = core.keyring.newOrganisationKey(orgId);
  const now = core.now().toISOString();
  const write = async (sql: Sql) => {
    const fresh =
      (await insertOrganisation(sql, { id: orgId, name: organisation, sealedKey, now })) &&
      (await insertUser(sql, { id: userId, email, passwordHash, instanceAdmin, now }));
    if (!fresh) {
      throw new SallyportError("ALREADY_EXISTS", "The organisation's name or the e-mail address is taken.");
    }
    await insertMembership(sql, { userId, orgId, role: "admin", now });
    await insertApiToken(sql, {
      id: crypto.randomUUID(),
      userId,
      orgId,
      name: "first token",
      tokenHash: token.hash,
      now,
      expiresAt: null,
    });
  };
  return { password, token: token.plain, sealedKey, write };
}

async function spend(sql: Sql, setupToken: string): Promise<void> {
  if (await spendSetupToken(sql, hashOpaqueToken(setupToken))) return;
  throw new SallyportError(
    "UNAUTHENTICATED",
    "This is not the set-up token: read it from the file whose path the platform logged at its start.",
  );
}

function sealAdopted(
  core: Core,
  orgId: string,
  sealedKey: string,
  { instance, organisation }: AdoptedHierarchy,
): NewGeneration[] {
  const sealer = core.keyring.organisation(orgId, sealedKey);
  const first = { generation: 1, state: "issuing" } as const;
  return [
    {
      ...first,
      ownerId: INSTANCE,
      parent: null,
      rows: sealAuthorities(INSTANCE, 1, core.keyring.instance, instance),
    },
    { ...first, ownerId: orgId, parent: 1, rows: sealAuthorities(orgId, 1, sealer, organisation) },
  ];
}

async function adoptInto(sql: Sql, set: NewGeneration, now: string): Promise<void> {
  if (await insertGeneration(sql, set, now)) return;
  throw new SallyportError(
    "ALREADY_EXISTS",
    "This platform has certificate authorities already: adopt a hierarchy before the first start.",
  );
}
