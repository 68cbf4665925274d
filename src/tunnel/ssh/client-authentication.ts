import { SshReader, SshWriter } from "../../pki/ssh-wire.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { algorithmsOfType } from "./algorithms.ts";
import type { LoadedIdentity } from "./identity.ts";
import { MESSAGE, protocolError } from "./messages.ts";
import type { SshTransport } from "./transport.ts";

const USERAUTH = "ssh-userauth";
const CONNECTION = "ssh-connection";
const MOST_BANNERS = 10;

export interface ClientAuthenticationOptions {
  transport: SshTransport;
  username: string;
  identity: LoadedIdentity;
  onSuccess: () => void;
}

/** The client's half of RFC 4252: one signed request with the user certificate. */
export class ClientAuthentication {
  #asked = false;
  #requested = false;
  #banners = 0;

  constructor(private readonly o: ClientAuthenticationOptions) {}

  /** After the first key exchange. */
  start(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.o.transport.send(new SshWriter().byte(MESSAGE.serviceRequest).string(USERAUTH).toBuffer());
  }

  /** @throws SallyportError SSH_AUTHENTICATION_FAILED, or SSH_PROTOCOL for anything out of place */
  message(type: number, payload: Buffer): void {
    const reader = new SshReader(payload, 1);
    if (type === MESSAGE.serviceAccept && this.#asked && !this.#requested) return this.#request(reader);
    if (type === MESSAGE.userauthBanner && ++this.#banners <= MOST_BANNERS) return;
    if (type === MESSAGE.userauthSuccess && this.#requested) return this.o.onSuccess();
    if (type === MESSAGE.userauthFailure && this.#requested) throw loginRefused();
    throw protocolError(`message ${type} before authentication`);
  }

  #request(reader: SshReader): void {
    if (reader.latin1(64) !== USERAUTH) throw protocolError("another service than was asked for");
    this.#requested = true;
    const { certificate, signer } = this.o.identity;
    const algorithm = algorithmsOfType(certificate.type)[0];
    if (!algorithm)
      throw new SallyportError("UNSUPPORTED", `SSH certificates of type ${certificate.type} can't log in.`);
    const request = new SshWriter()
      .byte(MESSAGE.userauthRequest)
      .string(this.o.username)
      .string(CONNECTION)
      .string("publickey")
      .boolean(true)
      .string(algorithm.name)
      .string(certificate.blob)
      .toBuffer();
    const covered = new SshWriter().string(this.o.transport.sessionId).raw(request).toBuffer();
    const signature = signer.sign(covered, algorithm.signatureFormat);
    this.o.transport.send(new SshWriter().raw(request).string(signature).toBuffer());
  }
}

function loginRefused(): SallyportError {
  const message =
    "The relay refused the SSH certificate; it may have expired, been revoked or been issued for another relay.";
  return new SallyportError("SSH_AUTHENTICATION_FAILED", message);
}
