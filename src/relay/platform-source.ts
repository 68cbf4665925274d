import { createPrivateKey, X509Certificate } from "node:crypto";
import { type Clock, systemClock } from "../host/clock.ts";
import type { CredentialSource, RelayCredentials } from "../pki/credentials.ts";
import { createCertificateRequest } from "../pki/csr.ts";
import { generateX509Key } from "../pki/keys.ts";
import { parseSshCertificateLine } from "../pki/ssh-certificate.ts";
import { generateSshKey } from "../pki/ssh-keys.ts";
import type { RelayConnect } from "../platform-client/answers.ts";
import type { PublicParts } from "../platform-client/client.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { readStored, writeStored } from "./stored-credentials.ts";

interface PlatformSourceOptions {
  /** The call that answers with certificates: connect, or an instance relay's registration (PROTOCOL A.2). */
  connect: (parts: PublicParts) => Promise<RelayConnect>;
  relayName: string;
  /** Known after enrolment; stored certificates of another relay are not used. */
  relayId?: string | undefined;
  /** 0700; keys and certificates stay here, so that the relay starts while the platform is away. */
  stateDirectory: string;
  clock?: Clock;
  log: Logger;
}

/** After a start with stored certificates the platform is asked again this often. */
const RETRY_MS = 30_000;

/**
 * Credentials from a platform, ours or Infisical's. The private keys are made here and only their public parts are
 * sent (EXTENSIONS X1); a platform that does not know that sends its own, which are then used. Only the first `load`
 * falls back to stored certificates; later the caller still has the ones that it uses.
 */
export function platformSource(options: PlatformSourceOptions): CredentialSource<RelayCredentials> {
  const { log, clock = systemClock } = options;
  const listeners = new Set<() => void>();
  const stop = new AbortController();
  let keys: OwnKeys | undefined;
  let loaded = false;

  return {
    async load() {
      try {
        keys ??= await makeKeys();
        const answer = await options.connect(keys.parts);
        const credentials = credentialsFrom(answer, keys, options);
        await writeStored(options.stateDirectory, credentials, log);
        loaded = true;
        return credentials;
      } catch (error) {
        const stored = loaded || !isAway(error) ? undefined : await readStored({ ...options, clock, log });
        if (!stored) throw error;
        loaded = true;
        log.warn("The platform is away; starting with the certificates kept from before");
        void clock.sleep(RETRY_MS, stop.signal).then(() => {
          if (!stop.signal.aborted) for (const listener of listeners) listener();
        });
        return stored;
      }
    },
    onStale(listener) {
      listeners.add(listener);
    },
    close() {
      stop.abort();
      listeners.clear();
    },
  };
}

interface OwnKeys {
  tls: string;
  ssh: string;
  parts: Required<PublicParts>;
}

async function makeKeys(): Promise<OwnKeys> {
  const [tls, ssh] = await Promise.all([generateX509Key(), generateSshKey()]);
  const csr = await createCertificateRequest(tls.keyPair);
  return { tls: tls.privateKeyPem, ssh: ssh.privateKey, parts: { csr, sshPublicKey: ssh.publicLine } };
}

function credentialsFrom(
  answer: RelayConnect,
  keys: OwnKeys,
  { relayName, relayId }: PlatformSourceOptions,
): RelayCredentials {
  const { pki, ssh } = answer;
  if (answer.relayName !== undefined && answer.relayName !== relayName) {
    throw new SallyportError(
      "CONFIG_INVALID",
      `The platform knows this relay as ${JSON.stringify(answer.relayName)}: start it with that name, or every gateway refuses it.`,
    );
  }
  const privateKey = pki.serverPrivateKey ?? keys.tls;
  if (!new X509Certificate(pki.serverCertificate).checkPrivateKey(createPrivateKey(privateKey))) {
    throw new SallyportError("PLATFORM_ERROR", "The platform sent a certificate for another key; try again.");
  }
  return {
    relayId: answer.relayId ?? relayId ?? relayName,
    relayName,
    host: hostOf(ssh.serverCertificate),
    tls: {
      certificate: pki.serverCertificate,
      privateKey,
      clientAuthorities: pki.clientCertificateChain,
    },
    ssh: {
      host: { certificate: ssh.serverCertificate, privateKey: ssh.serverPrivateKey ?? keys.ssh },
      userAuthorities: ssh.clientCAPublicKey.split("\n").filter((line) => line.trim() !== ""),
    },
  };
}

/** The first principal is `<host>:<port>` (PROTOCOL C.4). */
function hostOf(certificate: string): string {
  const principal = parseSshCertificateLine(certificate).principals[0] ?? "";
  return principal.replace(/:\d+$/, "");
}

/** The platform did not answer, or is broken: neither says anything about this relay. */
function isAway(error: unknown): boolean {
  return (
    error instanceof SallyportError &&
    (error.code === "PLATFORM_UNREACHABLE" || error.code === "PLATFORM_ERROR")
  );
}
