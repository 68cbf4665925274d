import type { SshCertificate } from "../../pki/ssh-certificate.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { AdmissionTicket } from "../admission.ts";
import type { RawSocket } from "../socket.ts";
import { type ChannelRequest, SshConnection } from "./connection.ts";
import type { HostIdentities } from "./host-certificate.ts";
import type { SshLimits } from "./limits.ts";
import { DISCONNECT, peerText } from "./messages.ts";
import { ServerAuthentication } from "./server-authentication.ts";
import type { Timers } from "./timers.ts";
import { SshTransport } from "./transport.ts";
import type { WindowBudget } from "./window.ts";

export interface AcceptOptions {
  identities: HostIdentities;
  userAuthorities: () => Buffer[];
  /** Throws a SallyportError to refuse; called after the signature was verified. */
  authorize: (username: string, certificate: SshCertificate, remoteAddress: string) => void;
  onSession: (session: SshConnection) => void;
  /** A login was refused (the connection may have tries left), or the peer broke the rules or was late before one. */
  onRefused?: ((error: SallyportError) => void) | undefined;
  /** Channels that peers open; without it none is accepted (PROTOCOL 0.1). */
  onChannel?: (session: SshConnection, request: ChannelRequest) => void;
  /** See `SshConnectionOptions`. */
  channelsAreTls?: boolean | undefined;
  remoteAddress: string;
  ticket?: AdmissionTicket;
  limits: SshLimits;
  budget: WindowBudget;
  timers: Timers;
  now: () => Date;
  log: Logger;
}

/** The server's end of one SSH connection, from its first byte to an authenticated session. */
export function acceptSsh(socket: RawSocket, o: AcceptOptions): SshTransport {
  const { ticket, remoteAddress, limits, timers, log } = o;
  const transport = new SshTransport({ role: { server: o.identities }, limits, timers });
  const stopGrace = timers.after(limits.loginGraceMs, () => {
    const error = new SallyportError("TIMEOUT", "The SSH login was not over in time.");
    transport.disconnect(DISCONNECT.byApplication, "the login took too long", error);
  });
  let refused = false;
  const authentication = new ServerAuthentication({
    transport,
    remoteAddress,
    tries: limits.authTries,
    userAuthorities: o.userAuthorities,
    now: o.now,
    authorize: o.authorize,
    onRefused(username, error) {
      const { code, message } = error;
      refused = true;
      o.onRefused?.(error);
      // A revoked peer has proved who it is; its neighbours behind the same address need not suffer for it.
      if (code === "CERTIFICATE_REFUSED") ticket?.failed();
      const user = peerText(Buffer.from(username, "latin1"));
      log.info("SSH login refused", { address: remoteAddress, user, code, reason: message });
    },
    onSuccess(username, certificate) {
      stopGrace();
      ticket?.authenticated();
      const session = startSession(transport, username, certificate, o);
      session.onClosed(() => ticket?.close());
      o.onSession(session);
    },
  });
  transport.events = {
    message: (type, payload) => authentication.message(type, payload),
    identified: () => ticket?.progress(),
    keysChanged: () => ticket?.progress(),
    room() {},
    heard() {},
    closed(error) {
      stopGrace();
      ticket?.close();
      // Who only looks whether the port is open, as load balancers do, is no failure.
      if (error && !refused && error.code !== "SSH_DISCONNECTED") o.onRefused?.(error);
      log.debug("SSH connection ended before login", { address: remoteAddress, reason: error?.message });
    },
  };
  transport.open(socket);
  return transport;
}

function startSession(
  transport: SshTransport,
  username: string,
  peerCertificate: SshCertificate,
  { onChannel, channelsAreTls, limits, budget, timers, remoteAddress }: AcceptOptions,
): SshConnection {
  const common = {
    role: "server" as const,
    transport,
    username,
    peerCertificate,
    remoteAddress,
    channelsAreTls,
    limits,
    budget,
    timers,
  };
  if (!onChannel) return new SshConnection(common);
  const session: SshConnection = new SshConnection({
    ...common,
    onChannel: (request) => onChannel(session, request),
  });
  return session;
}
