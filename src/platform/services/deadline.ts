import type { SallyportError } from "../../telemetry/error.ts";

/** What `work` gives, or `late()` thrown after that many milliseconds; the work itself is not stopped. */
export async function within<T>(
  milliseconds: number,
  work: Promise<T>,
  late: () => SallyportError,
): Promise<T> {
  let timer: Timer | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), milliseconds);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
