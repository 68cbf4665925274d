import { exportInstanceAuthorities, exportOrganisationAuthorities } from "../pki/hierarchy.ts";
import { openAuthority, requireAuthority } from "../pki/offline/authority-file.ts";
import { readSealingKey } from "../pki/offline/sealing-key.ts";
import { SallyportError } from "../telemetry/error.ts";
import { emailAddress, organisationName } from "./api/person-fields.ts";
import { type CoreOptions, openCore } from "./open-core.ts";
import { type AdoptedHierarchy, bootstrap, type FirstAdministrator } from "./services/bootstrap.ts";
import { removeSetupToken } from "./setup-token.ts";

interface Order extends Pick<CoreOptions, "dataDir" | "databaseUrl" | "env" | "log"> {
  email: string;
  /** May be left out when a hierarchy is adopted. */
  organisation: string | undefined;
  /** A CA made by `ca init`; `keyFile` when its key is not beside it. */
  ca?: { directory: string; keyFile: string | undefined } | undefined;
}

/**
 * The first administrator, made on the platform's own machine, whether the platform runs or not. Works once.
 * @throws SallyportError ALREADY_EXISTS, USAGE, and what opening the database or the CA throws
 */
export async function bootstrapPlatform(order: Order): Promise<FirstAdministrator> {
  const adopted = order.ca && (await readHierarchy(order.ca, order.env));
  const email = emailAddress.safeParse(order.email);
  if (!email.success) throw new SallyportError("USAGE", "--email has to be an e-mail address.");
  const organisation = organisationName.safeParse(order.organisation ?? adopted?.orgName);
  if (!organisation.success) {
    throw new SallyportError("USAGE", "--org has to be a name of 1 to 64 visible characters.");
  }
  const core = await openCore({ ...order, publicUrl: () => "" });
  try {
    const made = await bootstrap(core, {
      organisation: organisation.data,
      email: email.data,
      address: null,
      ...(adopted && { adopt: adopted }),
    });
    await removeSetupToken(order.dataDir);
    return made;
  } finally {
    await core.store.close();
  }
}

async function readHierarchy(
  ca: { directory: string; keyFile: string | undefined },
  env: CoreOptions["env"],
): Promise<AdoptedHierarchy & { orgName: string }> {
  await requireAuthority(ca.directory);
  const key = await readSealingKey({ ...ca, env });
  const { orgId, orgName, instance, organisation } = await openAuthority(ca.directory, key);
  return {
    orgId,
    orgName,
    instance: await exportInstanceAuthorities(instance),
    organisation: await exportOrganisationAuthorities(organisation),
  };
}
