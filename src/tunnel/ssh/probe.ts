import type { SshIdentity } from "../../pki/credentials.ts";
import type { SshCertificate } from "../../pki/ssh-certificate.ts";
import { SshWriter } from "../../pki/ssh-wire.ts";
import { asSallyportError, SallyportError } from "../../telemetry/error.ts";
import type { Wire } from "../dial/wire.ts";
import { algorithmsOfType } from "./algorithms.ts";
import { HostVerifier } from "./host-certificate.ts";
import { loadIdentity } from "./identity.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { DISCONNECT, MESSAGE } from "./messages.ts";
import { systemTimers } from "./timers.ts";
import { SshTransport } from "./transport.ts";

export interface ProbeOptions {
  /** Plain key blobs of the authorities that sign relays. */
  hostAuthorities: Buffer[];
  /** What the relay's certificate must name, one of them. */
  hostPrincipals: readonly string[];
  now: () => Date;
}

/**
 * Looks at a relay's SSH step by step and never logs in: a second session of a gateway would take the place of its
 * first (EXTENSIONS X3). Whether a login would be accepted is asked by a `publickey` request without a signature
 * (RFC 4252, 7).
 */
export class SshProbe {
  readonly #transport: SshTransport;
  readonly #verifier: HostVerifier;
  readonly #banner = settled<string>();
  readonly #keys = settled<void>();
  #answer = settled<number>();
  #failure: SallyportError | undefined;

  constructor(wire: Wire, { hostAuthorities, hostPrincipals, now }: ProbeOptions) {
    this.#verifier = new HostVerifier({ authorities: hostAuthorities, principals: hostPrincipals }, now);
    const transport = new SshTransport({
      role: { client: this.#verifier },
      limits: DEFAULT_LIMITS,
      timers: systemTimers,
    });
    this.#transport = transport;
    transport.events = {
      message: (type) => {
        if (type !== MESSAGE.userauthBanner) this.#answer.resolve(type);
      },
      keysChanged: () => this.#keys.resolve(),
      room() {},
      heard() {},
      closed: (error) => this.#fail(error),
    };
    transport.open(wire.socket);
    wire.attach({
      data: (chunk) => {
        transport.feed(chunk);
        if (transport.peerIdent !== "") this.#banner.resolve(transport.peerIdent);
      },
      drained: () => transport.drained(),
      ended: () => wire.socket.end(),
      closed: (error) => transport.lost(error),
    });
  }

  /** The relay's identification line. @throws SallyportError RELAY_UNREACHABLE, SSH_PROTOCOL */
  banner(): Promise<string> {
    return this.#banner.promise;
  }

  /**
   * The first key exchange; one that ends over the certificate has done its part.
   * @throws SallyportError RELAY_UNREACHABLE, SSH_DISCONNECTED, SSH_PROTOCOL
   */
  async keys(): Promise<void> {
    try {
      await this.#keys.promise;
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code !== "HOST_CERTIFICATE_REFUSED") throw error;
    }
  }

  /** After `keys`. @throws SallyportError HOST_CERTIFICATE_REFUSED */
  hostCertificate(): SshCertificate {
    const { certificate } = this.#verifier;
    if (certificate) return certificate;
    throw this.#failure ?? new SallyportError("INTERNAL", "The relay's certificate was not looked at yet.");
  }

  /** Whether the relay would let this identity log in. @throws SallyportError SSH_AUTHENTICATION_FAILED and others */
  async wouldAccept(username: string, identity: SshIdentity): Promise<void> {
    const { certificate } = loadIdentity(identity);
    const [algorithm] = algorithmsOfType(certificate.type);
    if (!algorithm) {
      throw new SallyportError("UNSUPPORTED", `SSH certificates of type ${certificate.type} can't log in.`);
    }
    await this.#ask(new SshWriter().byte(MESSAGE.serviceRequest).string("ssh-userauth"));
    const answer = await this.#ask(
      new SshWriter()
        .byte(MESSAGE.userauthRequest)
        .string(username)
        .string("ssh-connection")
        .string("publickey")
        .boolean(false)
        .string(algorithm.name)
        .string(certificate.blob),
    );
    if (answer === MESSAGE.userauthPkOk) return;
    throw new SallyportError(
      "SSH_AUTHENTICATION_FAILED",
      "The relay would refuse the login: it does not trust who issued the user certificate, or its own clock is wrong.",
    );
  }

  /** Safe to call twice. */
  close(): void {
    this.#transport.disconnect(DISCONNECT.byApplication, "only looking");
  }

  /** Sends it and waits for the type of what comes next, texts for people left out. */
  async #ask(message: SshWriter): Promise<number> {
    if (this.#failure) throw this.#failure;
    this.#answer = settled();
    this.#transport.send(message.toBuffer());
    return this.#answer.promise;
  }

  #fail(error: SallyportError | null): void {
    const failure =
      error && error.code !== "SSH_DISCONNECTED"
        ? error
        : new SallyportError(
            "RELAY_UNREACHABLE",
            `The relay closed the SSH connection${error ? `: ${asSallyportError(error, "INTERNAL", "").message}` : "."}`,
            { cause: error },
          );
    this.#failure = failure;
    for (const { reject } of [this.#banner, this.#keys, this.#answer]) reject(failure);
  }
}

/** A promise that somebody may never ask for: its failure is then nobody's. */
function settled<T>(): PromiseWithResolvers<T> {
  const made = Promise.withResolvers<T>();
  made.promise.then(undefined, () => undefined);
  return made;
}
