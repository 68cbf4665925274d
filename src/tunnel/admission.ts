/**
 * Who may hold a connection that has not authenticated yet. The listener (SSH or TLS) asks for each accepted socket;
 * the relay decides (src/relay/admission.ts, ACCEPTANCE "Connections").
 */
export interface Admission {
  /**
   * Asks for a place for a new connection; null means: close it at once. `drop` is called later, at most once, when
   * this connection has to make room for another one; the listener then closes it, and the ticket with it.
   */
  admit(remoteAddress: string, drop: () => void): AdmissionTicket | null;
}

/** One connection's place, from accept to close. Every method is safe to call twice. */
export interface AdmissionTicket {
  /** The peer got one step further in its handshake: those with the fewest steps are dropped first. */
  progress(): void;
  /** The peer proved who it is: it no longer counts as unauthenticated. */
  authenticated(): void;
  /** The peer tried to authenticate and was refused: its address earns a penalty. */
  failed(): void;
  /** The connection is over, for whatever reason. */
  close(): void;
}
