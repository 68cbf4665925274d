import type { Admission, AdmissionTicket } from "../../tunnel/admission.ts";
import type { FromWorker } from "./messages.ts";

/**
 * A worker's door. It lets in by its own count at once, so that it is bounded whatever happens, and tells the supervisor,
 * which counts over all workers and knows the penalties: that one may have a connection dropped a moment later.
 */
export class MirroredAdmission implements Admission {
  readonly #own: Admission;
  readonly #send: (message: FromWorker) => void;
  /** Of connections that wait to authenticate, so never more than `own` lets in. */
  readonly #drops = new Map<number, () => void>();
  #count = 0;

  constructor(own: Admission, send: (message: FromWorker) => void) {
    this.#own = own;
    this.#send = send;
  }

  admit(remoteAddress: string, drop: () => void): AdmissionTicket | null {
    const ticket = ++this.#count;
    const own = this.#own.admit(remoteAddress, drop);
    if (!own) return null;
    this.#drops.set(ticket, drop);
    this.#send({ type: "enter", ticket, address: remoteAddress });
    return {
      progress: () => {
        own.progress();
        if (this.#drops.has(ticket)) this.#send({ type: "progress", ticket });
      },
      authenticated: () => {
        own.authenticated();
        if (this.#drops.delete(ticket)) this.#send({ type: "authenticated", ticket });
      },
      failed: () => {
        own.failed();
        if (this.#drops.has(ticket)) this.#send({ type: "failed login", ticket });
      },
      close: () => {
        own.close();
        if (this.#drops.delete(ticket)) this.#send({ type: "gone", ticket });
      },
    };
  }

  /** The supervisor's word: no place, or a place that somebody else needs. */
  drop(ticket: number): void {
    this.#drops.get(ticket)?.();
  }
}
