export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any;
  /** It was the second attempt, after the first had no answer at all. */
  afterLoss: boolean;
}

/** What was asked, and what came instead of an answer. */
interface Failure {
  what: string;
  how: string;
}

interface Ask {
  token?: string;
  body?: unknown;
  /** Codes of refusals that are right for a second attempt, when the first was done and its answer lost. */
  doneBefore?: string[];
  /** Codes of refusals that are right at any time. */
  refused?: string[];
}

/** As Retry-After says; a process that was killed takes a moment to be gone as well. */
const PAUSE_MS = 1000;

/**
 * Asks a platform behind a load balancer as an honest program does: each time on a new connection, and once more when
 * the connection broke or a 503 said when to come back. Keeps count of all that failed in any other way.
 */
export class PatientCaller {
  readonly lost: Failure[] = [];
  readonly turnedAway: Failure[] = [];
  /** Neither an answer nor a failure that a program may expect. */
  readonly wrong: Failure[] = [];
  succeeded = 0;

  constructor(readonly url: string) {}

  /** The answer, or undefined when there was none that counts: see `wrong`. */
  async ask(method: string, path: string, ask: Ask = {}): Promise<Answer | undefined> {
    const first = await this.#once(method, path, ask);
    if (first !== "lost" && first !== "turned away") return this.#judge(`${method} ${path}`, first, ask);
    await Bun.sleep(PAUSE_MS);
    const second = await this.#once(method, path, ask);
    if (second === "lost" || second === "turned away") {
      this.wrong.push({ what: `${method} ${path}`, how: `${second} twice` });
      return undefined;
    }
    return this.#judge(`${method} ${path}`, { ...second, afterLoss: first === "lost" }, ask);
  }

  #judge(what: string, answer: Answer, { doneBefore = [], refused = [] }: Ask): Answer | undefined {
    const { status, body, afterLoss } = answer;
    if (status === 200 || refused.includes(body?.code) || (afterLoss && doneBefore.includes(body?.code))) {
      this.succeeded++;
      return answer;
    }
    this.wrong.push({ what, how: `${status} ${JSON.stringify(body)}` });
    return undefined;
  }

  async #once(method: string, path: string, { token, body }: Ask): Promise<Answer | "lost" | "turned away"> {
    const what = `${method} ${path}`;
    try {
      const response = await fetch(`${this.url}/api${path}`, {
        method,
        keepalive: false,
        headers: {
          "content-type": "application/json",
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (response.status === 503 && response.headers.has("retry-after")) {
        this.turnedAway.push({ what, how: text });
        return "turned away";
      }
      return { status: response.status, body: JSON.parse(text), afterLoss: false };
    } catch (error) {
      this.lost.push({ what, how: String(error) });
      return "lost";
    }
  }
}
