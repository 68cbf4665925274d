import { SallyportError } from "../../telemetry/error.ts";
import type { RawSocket } from "../socket.ts";
import type { Algorithms } from "./algorithms.ts";
import { ClientAuthentication } from "./client-authentication.ts";
import { type ChannelRequest, SshConnection } from "./connection.ts";
import { type HostAuthorities, HostVerifier } from "./host-certificate.ts";
import type { LoadedIdentity } from "./identity.ts";
import type { SshLimits } from "./limits.ts";
import { DISCONNECT, PeerDisconnected } from "./messages.ts";
import type { Timers } from "./timers.ts";
import { SshTransport } from "./transport.ts";
import type { WindowBudget } from "./window.ts";

export interface ConnectOptions {
  username: string;
  identity: LoadedIdentity;
  hostAuthorities: HostAuthorities;
  /** The relay's certificate has to name one of them. */
  hostPrincipals: readonly string[];
  onChannel: (request: ChannelRequest) => void;
  /** The name of a global request of the relay's. */
  onRequest?: ((name: string) => void) | undefined;
  /** See `SshConnectionOptions`. */
  channelsAreTls?: boolean | undefined;
  remoteAddress: string;
  limits: SshLimits;
  budget: WindowBudget;
  timers: Timers;
  now: () => Date;
  /** All that we have, unless told. */
  algorithms?: Algorithms;
  onReady: (connection: SshConnection) => void;
  /** Once, instead of `onReady`. */
  onFailed: (error: SallyportError) => void;
}

/** The client's end of one SSH connection, from its first byte to an authenticated connection. */
export function connectSsh(socket: RawSocket, o: ConnectOptions): SshTransport {
  const { limits, timers, budget, username, onChannel, remoteAddress } = o;
  const verifier = new HostVerifier({ authorities: o.hostAuthorities, principals: o.hostPrincipals }, o.now);
  const transport = new SshTransport({
    role: { client: verifier },
    limits,
    timers,
    ...(o.algorithms ? { algorithms: o.algorithms } : {}),
  });
  const authentication = new ClientAuthentication({
    transport,
    username,
    identity: o.identity,
    onSuccess() {
      const peerCertificate = verifier.certificate;
      if (!peerCertificate)
        throw new SallyportError("INTERNAL", "A relay was believed without a certificate.");
      const role = "client";
      const common = {
        role,
        transport,
        username,
        peerCertificate,
        remoteAddress,
        limits,
        budget,
        timers,
      } as const;
      const { onRequest, channelsAreTls } = o;
      o.onReady(new SshConnection({ ...common, onChannel, onRequest, channelsAreTls }));
    },
  });
  transport.events = {
    message: (type, payload) => authentication.message(type, payload),
    keysChanged: () => authentication.start(),
    room() {},
    heard() {},
    closed: (error) => o.onFailed(failure(error)),
  };
  transport.open(socket);
  return transport;
}

/** What an end before the login was over means to the user. */
function failure(error: SallyportError | null): SallyportError {
  if (error instanceof PeerDisconnected && error.reason === DISCONNECT.noMoreAuthMethods) {
    return new SallyportError("SSH_AUTHENTICATION_FAILED", `The relay refused the login. ${error.message}`);
  }
  if (error && (error.code !== "SSH_DISCONNECTED" || error instanceof PeerDisconnected)) return error;
  const message = "The relay closed the SSH connection before the login was over.";
  return new SallyportError("RELAY_UNREACHABLE", message, { cause: error });
}
