import type { X509Identity } from "../../pki/credentials.ts";
import type { Certificate } from "./certificate.ts";
import type { TlsSession } from "./tls-session.ts";

/** What we dial with. */
export type ClientIdentity = X509Identity & { /** PEM bundle. */ serverAuthorities: string };

/** What we are dialled with. */
export type ServerIdentity = X509Identity & { /** PEM bundle. */ clientAuthorities: string };

/** A connection whose ends have proved to each other who they are. */
export interface TlsConnection {
  stream: TlsSession;
  peer: Certificate;
  /** The protocol agreed on, if any. */
  alpn: string | null;
}
