import type { OrganisationAuthorities } from "../hierarchy.ts";
import { uniqueCertificates } from "../pem.ts";
import type { OfflineAuthority } from "./authority-file.ts";

/** The public part of an authority that a rotation has replaced. */
export interface RetiredAuthority {
  /** The slot it was in, for example `relay-client`. */
  name: string;
  chainPem: string | null;
  publicLine: string | null;
  retiredAt: string;
}

/** What each side verifies the other with: the present authorities, then the retired ones. */
export interface Trust {
  /** PEM bundles, each with its root. */
  relayClient: string;
  relayServer: string;
  gatewayClient: string;
  gatewayServer: string;
  /** Public key lines. */
  sshClient: string[];
  sshServer: string[];
}

export function trustOf({
  organisation,
  retired,
}: Pick<OfflineAuthority, "organisation" | "retired">): Trust {
  const bundle = (name: string, present: string) => {
    const chains = retired.flatMap((old) => (old.name === name && old.chainPem ? [old.chainPem] : []));
    return uniqueCertificates([present, ...chains].join(""));
  };
  const lines = (name: string, present: string) => [
    present,
    ...retired.flatMap((old) => (old.name === name && old.publicLine ? [old.publicLine] : [])),
  ];
  return {
    relayClient: bundle("relay-client", organisation.relayClient.chainPem),
    relayServer: bundle("relay-server", organisation.relayServer.chainPem),
    gatewayClient: bundle("gateway-client", organisation.gatewayClient.chainPem),
    gatewayServer: bundle("gateway-server", organisation.gatewayServer.chainPem),
    sshClient: lines("ssh-client", organisation.sshClient.publicLine),
    sshServer: lines("ssh-server", organisation.sshServer.publicLine),
  };
}

/** The issuing authorities as a rotation keeps them. The gateway root stays in office. */
export function retire(organisation: OrganisationAuthorities, now: Date): RetiredAuthority[] {
  const retiredAt = now.toISOString();
  const x509 = (name: string, chainPem: string) => ({ name, chainPem, publicLine: null, retiredAt });
  const ssh = (name: string, publicLine: string) => ({ name, chainPem: null, publicLine, retiredAt });
  return [
    x509("relay-client", organisation.relayClient.chainPem),
    x509("relay-server", organisation.relayServer.chainPem),
    x509("gateway-client", organisation.gatewayClient.chainPem),
    x509("gateway-server", organisation.gatewayServer.chainPem),
    ssh("ssh-client", organisation.sshClient.publicLine),
    ssh("ssh-server", organisation.sshServer.publicLine),
  ];
}
