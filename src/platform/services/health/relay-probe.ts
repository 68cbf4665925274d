import type { SshProbeTarget } from "../../../client/probe-ssh.ts";
import type { ClientCredentials } from "../../../pki/credentials.ts";
import { generateX509Key } from "../../../pki/keys.ts";
import type { RelayRow } from "../../store/relays.ts";
import {
  DEFAULT_SSH_PORT,
  DEFAULT_TLS_PORT,
  issueRelayProbe,
  relayHostAuthorities,
} from "../authorities/issuing.ts";
import type { Core } from "../core.ts";

/** What the platform shows a relay's TLS port: nobody in particular, who only looks (PROTOCOL E, "Relay"). */
export async function relayTlsCredentials(core: Core, relay: RelayRow): Promise<ClientCredentials> {
  const key = await generateX509Key();
  const probe = await issueRelayProbe(core, relay, key.keyPair.publicKey);
  const identity = { certificate: probe.leaf.certificate, privateKey: key.privateKeyPem };
  return {
    gatewayId: "00000000-0000-0000-0000-000000000000",
    gatewayName: "heartbeat",
    relayHost: relay.host,
    relayPort: relay.tls_port ?? DEFAULT_TLS_PORT,
    relay: { ...identity, serverAuthorities: probe.serverAuthorities },
    gateway: { ...identity, serverAuthorities: "" },
    target: undefined,
    requireGatewayUri: true,
  };
}

/** What a relay's SSH port has to prove: a host certificate of the authority that signs this relay. */
export async function relaySshTarget(core: Core, relay: RelayRow): Promise<Omit<SshProbeTarget, "address">> {
  return {
    host: relay.host,
    port: relay.ssh_port ?? DEFAULT_SSH_PORT,
    hostAuthorities: await relayHostAuthorities(core, relay),
  };
}
