import { parseSshPublicKey } from "../../src/pki/ssh-keys.ts";
import { readSshPrivateKey } from "../../src/pki/ssh-private-key.ts";
import { SshWriter } from "../../src/pki/ssh-wire.ts";
import { HostVerifier } from "../../src/tunnel/ssh/host-certificate.ts";
import { DEFAULT_LIMITS } from "../../src/tunnel/ssh/limits.ts";
import { MESSAGE } from "../../src/tunnel/ssh/messages.ts";
import { systemTimers } from "../../src/tunnel/ssh/timers.ts";
import { SshTransport } from "../../src/tunnel/ssh/transport.ts";

export interface LoginAttempt {
  port: number;
  username: string;
  /** Whatever is to be presented: it is sent as it is, and signed with the key. */
  certificate: Buffer;
  algorithm: string;
  privateKey: string;
  format?: string;
  hostAuthority: string;
  hostPrincipal: string;
}

/** Asks a real SSH server for its verdict about a certificate: true when it lets the user in. */
export async function serverAccepts(o: LoginAttempt): Promise<boolean> {
  const authorities = [parseSshPublicKey(o.hostAuthority)];
  const verifier = new HostVerifier({ authorities, principals: [o.hostPrincipal] }, () => new Date());
  const transport = new SshTransport({
    role: { client: verifier },
    limits: DEFAULT_LIMITS,
    timers: systemTimers,
  });
  const verdict = Promise.withResolvers<boolean>();
  transport.events = {
    message(type) {
      if (type === MESSAGE.serviceAccept) transport.send(request(transport.sessionId, o));
      if (type === MESSAGE.userauthSuccess) verdict.resolve(true);
      if (type === MESSAGE.userauthFailure) verdict.resolve(false);
    },
    keysChanged: () =>
      transport.send(new SshWriter().byte(MESSAGE.serviceRequest).string("ssh-userauth").toBuffer()),
    room() {},
    heard() {},
    closed: () => verdict.resolve(false),
  };
  await Bun.connect({
    hostname: "127.0.0.1",
    port: o.port,
    socket: {
      open: (socket) => transport.open(socket),
      data: (_, chunk) => transport.feed(chunk),
      drain: () => transport.drained(),
      close: () => transport.lost(),
    },
  });
  const accepted = await verdict.promise;
  transport.disconnect(11, "done");
  return accepted;
}

function request(sessionId: Buffer, o: LoginAttempt): Buffer {
  const head = new SshWriter()
    .byte(MESSAGE.userauthRequest)
    .string(o.username)
    .string("ssh-connection")
    .string("publickey")
    .boolean(true)
    .string(o.algorithm)
    .string(o.certificate)
    .toBuffer();
  const covered = new SshWriter().string(sessionId).raw(head).toBuffer();
  const signature = readSshPrivateKey(o.privateKey).sign(covered, o.format);
  return new SshWriter().raw(head).string(signature).toBuffer();
}
