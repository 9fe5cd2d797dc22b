/** A limit on how long a command waits for a broker that may be stuck. */

import { FluxError } from "../broker/message/errno.ts";
import type { Clock } from "../broker/ports/clock.ts";
import { systemClock } from "../broker/ports/system_clock.ts";

/** What `work` resolves to, or ETIMEDOUT after `ms` milliseconds; `work` itself goes on unheard. */
export async function within<T>(ms: number, work: Promise<T>, clock: Clock = systemClock): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = clock.after(ms, () => reject(new FluxError("ETIMEDOUT", `no answer within ${ms / 1000} s`)));
  try {
    return await Promise.race([work, promise]);
  } finally {
    timer.cancel();
  }
}
