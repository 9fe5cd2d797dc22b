/** Asking rank 0 again while it is out of reach, or its `kvs` is being loaded. */

import { isErrno } from "../../broker/message/mod.ts";
import { type Clock, sleep } from "../../broker/ports/mod.ts";

/** Between two tries: the first wait and the longest, ms. */
const FIRST_WAIT = 10;
const LONGEST_WAIT = 1000;
/** How long rank 0 may be out of reach, ms; and how long it may not have the service. */
const UNREACHABLE = 60_000;
const UNSERVED = 10_000;

/** What `call` resolves to, called again after EHOSTUNREACH and ENOSYS for as long as that makes sense. */
export async function patiently<T>(clock: Clock, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  const began = clock.now();
  for (let wait = FIRST_WAIT;; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      return await call();
    } catch (error) {
      const patience = isErrno(error, "EHOSTUNREACH") ? UNREACHABLE : isErrno(error, "ENOSYS") ? UNSERVED : 0;
      if (signal.aborted || clock.now() - began + wait > patience) throw error;
      await sleep(clock, wait, signal);
    }
  }
}
