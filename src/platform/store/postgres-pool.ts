import { SQL } from "bun";
import { Turns } from "./turns.ts";
import { unavailable, untilUnavailable } from "./unavailable.ts";

/** When a server answered anything last; shared by the pools that ask the same one. */
export interface Pulse {
  answeredAt: number;
}

interface PoolOptions {
  url: string;
  /** Opened when they are needed. */
  connections: number;
  pulse: Pulse;
  /** Milliseconds that anything waits for a free connection, or for a server that answers nobody. */
  patienceMs: number;
}

/** Runs a statement of a transaction. */
export type Runner = <T>(statement: () => Promise<T>) => Promise<T>;

/** Seconds to open a connection, and until one that nobody uses is closed. */
const CONNECT_SECONDS = 5;
const IDLE_SECONDS = 60;
/**
 * Milliseconds, kept by the server: a transaction of a process that was cut off may not keep its locks for ever, and
 * nobody waits for a lock without end.
 */
const SERVER_LIMITS = { idle_in_transaction_session_timeout: 60_000, lock_timeout: 10_000 };

/**
 * Connections to PostgreSQL, opened anew when nobody answers on them any more: a server that vanished without a word (a
 * lost machine, a firewall that forgot) leaves connections on which the kernel would wait for a quarter of an hour.
 */
export class PostgresPool {
  readonly #options: PoolOptions;
  /** Whoever gets a connection at once is waiting for the server from then on, and for nobody else. */
  readonly #turns: Turns;
  #sql: SQL;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#turns = new Turns(options.connections);
    this.#sql = this.#open();
  }

  /** One statement that changes nothing. @throws SallyportError DATABASE_UNAVAILABLE */
  async ask<T>(statement: (sql: SQL) => Promise<T>): Promise<T> {
    return await this.#inTurn((sql) => this.#answered(sql, () => statement(sql), "give up"));
  }

  /** `work` between BEGIN and COMMIT. @throws SallyportError DATABASE_UNAVAILABLE, or what `work` throws */
  async begin<T>(work: (sql: SQL, run: Runner) => Promise<T>, how = ""): Promise<T> {
    return await this.#inTurn(async (pool) => {
      const begun = Promise.withResolvers<void>();
      let givenUp = false;
      const whole = pool.begin(how, async (sql) => {
        if (givenUp) throw silent();
        begun.resolve();
        return await work(sql, (statement) => this.#answered(pool, statement, "wait"));
      });
      try {
        await this.#answered(pool, () => Promise.race([begun.promise, whole]), "give up");
      } catch (error) {
        givenUp = true;
        void whole.then(settled, settled);
        throw error;
      }
      return await whole;
    });
  }

  async close(): Promise<void> {
    await this.#sql.close({ timeout: 5 });
  }

  #inTurn<T>(work: (sql: SQL) => Promise<T>): Promise<T> {
    return untilUnavailable(() =>
      this.#turns.run(
        () => work(this.#sql),
        this.#options.patienceMs,
        () => unavailable(new Error("too many wait for it")),
      ),
    );
  }

  #open(): SQL {
    const { url, connections: max } = this.#options;
    const limits = { connectionTimeout: CONNECT_SECONDS, idleTimeout: IDLE_SECONDS };
    return new SQL({ url, adapter: "postgres", max, ...limits, connection: SERVER_LIMITS });
  }

  /** A server that answers others is slow, or somebody holds a lock: statements that change something wait for that. */
  async #answered<T>(sql: SQL, ask: () => Promise<T>, ifSlow: "wait" | "give up"): Promise<T> {
    const { pulse, patienceMs } = this.#options;
    const asked = Date.now();
    const late = Promise.withResolvers<never>();
    const timer = setInterval(() => {
      if (pulse.answeredAt < asked) this.#replace(sql);
      else if (ifSlow === "wait") return;
      late.reject(silent());
    }, patienceMs);
    try {
      const answer = await Promise.race([ask(), late.promise]);
      pulse.answeredAt = Date.now();
      return answer;
    } finally {
      clearInterval(timer);
    }
  }

  /** Whatever else waits on the old connections is told that they are lost. */
  #replace(dead: SQL): void {
    if (this.#sql !== dead) return;
    this.#sql = this.#open();
    void dead.close({ timeout: 0 }).then(settled, settled);
  }
}

function silent(): Error {
  return unavailable(new Error("it does not answer"));
}

/** Who waits for it is told elsewhere. */
function settled(): void {}
