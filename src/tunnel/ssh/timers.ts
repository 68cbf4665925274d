/** Time as a connection sees it; tests bring their own. */
export interface Timers {
  /** Milliseconds that never jump: neither with the wall clock nor, on Linux, over a suspend. */
  now(): number;
  /** Calls back once. @returns what cancels it; safe to call twice */
  after(ms: number, callback: () => void): () => void;
  /** Calls back again and again. @returns what ends it; safe to call twice */
  every(ms: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
};
