import type { X509KeyAlgorithm } from "./keys.ts";
import { SshAuthority } from "./ssh-authority.ts";
import type { SshKeyAlgorithm } from "./ssh-keys.ts";
import { subject } from "./subject.ts";
import { X509Authority } from "./x509-authority.ts";

export {
  type AuthorityRecord,
  exportInstanceAuthorities,
  exportOrganisationAuthorities,
  importInstanceAuthorities,
  importOrganisationAuthorities,
} from "./authority-records.ts";

/** PROTOCOL C.1: one set per installation. */
export interface InstanceAuthorities {
  rootRelay: X509Authority;
  organisationRelay: X509Authority;
  instanceRelay: X509Authority;
  instanceRelayClient: X509Authority;
  instanceRelayServer: X509Authority;
  sshClient: SshAuthority;
  sshServer: SshAuthority;
}

/** PROTOCOL C.2: one set per organisation. Only holders of its gateway client authority can enter its gateways. */
export interface OrganisationAuthorities {
  orgId: string;
  relayClient: X509Authority;
  relayServer: X509Authority;
  gatewayRoot: X509Authority;
  gatewayServer: X509Authority;
  gatewayClient: X509Authority;
  sshClient: SshAuthority;
  sshServer: SshAuthority;
}

export interface KeyChoice {
  x509?: X509KeyAlgorithm | undefined;
  ssh?: SshKeyAlgorithm | undefined;
  now?: Date | undefined;
}

const INSTANCE = "Infisical";

/** Makes the two relay branches and the SSH authorities of an installation. */
export async function createInstanceAuthorities(keys: KeyChoice = {}): Promise<InstanceAuthorities> {
  const named = (commonName: string) => ({
    subject: subject(["O", INSTANCE], ["CN", commonName]),
    algorithm: keys.x509,
    now: keys.now,
  });
  const rootRelay = await X509Authority.createRoot(named("Infisical Instance Root Relay CA"));
  const under = (parent: X509Authority, commonName: string, pathLength: number) =>
    parent.createIntermediate({ ...named(commonName), pathLength });
  const instanceRelay = await under(rootRelay, "Infisical Instance Relay CA", 1);
  return {
    rootRelay,
    organisationRelay: await under(rootRelay, "Infisical Organization Relay CA", 2),
    instanceRelay,
    instanceRelayClient: await under(instanceRelay, "Infisical Instance Relay Client CA", 0),
    instanceRelayServer: await under(instanceRelay, "Infisical Instance Relay Server CA", 0),
    ...(await sshAuthorities(keys)),
  };
}

/** Makes an organisation's relay authorities under the instance, and its gateway authorities under a root of its own. */
export async function createOrganisationAuthorities(
  instance: Pick<InstanceAuthorities, "organisationRelay">,
  options: KeyChoice & { orgId: string },
): Promise<OrganisationAuthorities> {
  const gatewayRoot = await X509Authority.createRoot({
    subject: subject(["O", options.orgId], ["CN", "Infisical Gateway Root CA"]),
    algorithm: options.x509,
    now: options.now,
  });
  return await renewOrganisationAuthorities(instance, gatewayRoot, options);
}

/** New issuing authorities under the roots that exist: what a rotation replaces. */
export async function renewOrganisationAuthorities(
  instance: Pick<InstanceAuthorities, "organisationRelay">,
  gatewayRoot: X509Authority,
  options: KeyChoice & { orgId: string },
): Promise<OrganisationAuthorities> {
  const { orgId } = options;
  const issuing = (parent: X509Authority, commonName: string) =>
    parent.createIntermediate({
      subject: subject(["O", orgId], ["CN", commonName]),
      algorithm: options.x509,
      now: options.now,
      pathLength: 0,
    });
  return {
    orgId,
    relayClient: await issuing(instance.organisationRelay, "Infisical Org Relay Client CA"),
    relayServer: await issuing(instance.organisationRelay, "Infisical Org Relay Server CA"),
    gatewayRoot,
    gatewayServer: await issuing(gatewayRoot, "Infisical Gateway Server CA"),
    gatewayClient: await issuing(gatewayRoot, "Infisical Gateway Client CA"),
    ...(await sshAuthorities(options)),
  };
}

async function sshAuthorities(
  keys: KeyChoice,
): Promise<{ sshClient: SshAuthority; sshServer: SshAuthority }> {
  return {
    sshClient: await SshAuthority.generate(keys.ssh),
    sshServer: await SshAuthority.generate(keys.ssh),
  };
}
