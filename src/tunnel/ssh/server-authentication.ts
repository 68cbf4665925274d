import { parseSshCertificate, type SshCertificate, verifySshSignature } from "../../pki/ssh-certificate.ts";
import { SshReader, SshWriter } from "../../pki/ssh-wire.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { certificateAlgorithm } from "./algorithms.ts";
import { checkUserCertificate } from "./certificate-auth.ts";
import { DISCONNECT, MESSAGE, protocolError } from "./messages.ts";
import type { SshTransport } from "./transport.ts";

/** Requests of any kind, refused or only asked: more are an attack. */
const MOST_REQUESTS = 20;
const USERAUTH = "ssh-userauth";
const CONNECTION = "ssh-connection";

export interface ServerAuthenticationOptions {
  transport: SshTransport;
  remoteAddress: string;
  /** Refused requests before the connection ends; the first `none` does not count. */
  tries: number;
  userAuthorities: () => Buffer[];
  now: () => Date;
  /** The owner's own rules; throws a SallyportError to refuse. Only called for a key that has just signed. */
  authorize: (username: string, certificate: SshCertificate, remoteAddress: string) => void;
  /** A request was refused. */
  onRefused: (username: string, error: SallyportError) => void;
  onSuccess: (username: string, certificate: SshCertificate) => void;
}

/**
 * The server's half of RFC 4252: `publickey` with a certificate, nothing else. Who somebody is follows only from the
 * request that is signed, with the very certificate in it (CVE-2024-45337).
 */
export class ServerAuthentication {
  #serviceAccepted = false;
  #requests = 0;
  #refused = 0;
  #noneSeen = false;

  constructor(private readonly o: ServerAuthenticationOptions) {}

  /** @throws SallyportError SSH_PROTOCOL for anything that has no place before authentication */
  message(type: number, payload: Buffer): void {
    const reader = new SshReader(payload, 1);
    if (type === MESSAGE.serviceRequest) return this.#service(reader);
    if (type !== MESSAGE.userauthRequest || !this.#serviceAccepted) {
      throw protocolError(`message ${type} before authentication`);
    }
    if (++this.#requests > MOST_REQUESTS) throw protocolError("too many authentication requests");
    this.#request(payload, reader);
  }

  #service(reader: SshReader): void {
    if (reader.latin1(64) !== USERAUTH) throw protocolError("another service than authentication");
    reader.end();
    this.#serviceAccepted = true;
    this.o.transport.send(new SshWriter().byte(MESSAGE.serviceAccept).string(USERAUTH).toBuffer());
  }

  #request(payload: Buffer, reader: SshReader): void {
    const username = reader.latin1(256);
    const service = reader.latin1(64);
    const method = reader.latin1(64);
    if (method === "none" && !this.#noneSeen) {
      this.#noneSeen = true;
      return this.#sendFailure();
    }
    try {
      if (service !== CONNECTION || method !== "publickey")
        throw refused(`the method ${JSON.stringify(method)}`);
      this.#publickey(username, payload, reader);
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code === "SSH_PROTOCOL") throw error;
      this.#refuse(username, error);
    }
  }

  #publickey(username: string, payload: Buffer, reader: SshReader): void {
    const signed = reader.boolean();
    const name = reader.latin1(64);
    const blob = reader.string();
    const certificate = this.#check(username, name, blob);
    if (!signed) {
      reader.end();
      const answer = new SshWriter().byte(MESSAGE.userauthPkOk).string(name).string(blob);
      return this.o.transport.send(answer.toBuffer());
    }
    const covered = payload.subarray(0, reader.position);
    const signature = reader.string(4096);
    reader.end();
    this.#verify(name, certificate, covered, signature);
    this.o.authorize(username, certificate, this.o.remoteAddress);
    this.o.transport.send(Buffer.of(MESSAGE.userauthSuccess));
    this.o.onSuccess(username, certificate);
  }

  #check(username: string, name: string, blob: Buffer): SshCertificate {
    const algorithm = certificateAlgorithm(name);
    if (!algorithm) throw refused(`the key algorithm ${JSON.stringify(name)}; a certificate is needed`);
    const certificate = parseSshCertificate(blob);
    if (certificate.type !== algorithm.blobType)
      throw refused("a certificate of another type than announced");
    const { remoteAddress, userAuthorities, now } = this.o;
    checkUserCertificate(certificate, {
      authorities: userAuthorities(),
      username,
      remoteAddress,
      now: now(),
    });
    return certificate;
  }

  /** RFC 4252, 7: the signature covers the session and the request up to itself. */
  #verify(name: string, certificate: SshCertificate, covered: Buffer, signature: Buffer): void {
    const format = new SshReader(signature).latin1(64);
    if (format !== certificateAlgorithm(name)?.signatureFormat)
      throw refused(`a signature of type ${format}`);
    const data = new SshWriter().string(this.o.transport.sessionId).raw(covered).toBuffer();
    if (!verifySshSignature(certificate.publicBlob, data, signature)) throw refused("a wrong signature");
  }

  #refuse(username: string, error: SallyportError): void {
    this.o.onRefused(username, error);
    if (++this.#refused < this.o.tries) return this.#sendFailure();
    this.#sendFailure();
    this.o.transport.disconnect(DISCONNECT.noMoreAuthMethods, "too many authentication failures", error);
  }

  #sendFailure(): void {
    const message = new SshWriter().byte(MESSAGE.userauthFailure).string("publickey").boolean(false);
    this.o.transport.send(message.toBuffer());
  }
}

function refused(what: string): SallyportError {
  return new SallyportError("CERTIFICATE_REFUSED", `The SSH login was refused: ${what}.`);
}
