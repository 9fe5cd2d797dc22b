/** Waiting no longer than one should. */

import { FluxError } from "../message/mod.ts";
import type { Clock } from "../ports/mod.ts";

/** What `promise` resolves to. Throws ETIMEDOUT with this text after `ms`, or the signal's reason when it aborts before. */
export async function deadline<T>(
  clock: Clock,
  ms: number,
  text: string,
  promise: Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = clock.after(ms, () => reject(new FluxError("ETIMEDOUT", text)));
  const abort = () => reject(signal!.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, over]);
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", abort);
  }
}
