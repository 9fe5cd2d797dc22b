/** The door to time. Nothing outside this file's implementations reads a clock or sets a timer. */

/** Something scheduled; `cancel` is idempotent and safe after it has fired. */
export interface Timer {
  cancel(): void;
}

/** What wakes a clock for its next timer. */
export interface Alarm {
  /**
   * To ring once when the clock shows `due`, or a little later; Infinity: not at all. What was set before is void, but a ring too
   * many does no harm.
   */
  set(due: number): void;
}

export interface Clock {
  /** Milliseconds, monotonic, from an arbitrary start. For intervals. */
  now(): number;
  /** Milliseconds since the epoch, with fractions of microsecond grain. For timestamps people read. */
  wall(): number;
  /** Runs `callback` once, `ms` milliseconds from now. The process lives until then, or until the timer is cancelled. */
  after(ms: number, callback: () => void): Timer;
  /**
   * Lets the clock be woken by another alarm until disposed: that of an event loop which waits in the system anyway, and keeps the
   * process alive. `make` is told what to call as it rings.
   */
  wakeBy?(make: (ring: () => void) => Alarm): Disposable;
}

/** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    const abort = () => {
      timer.cancel();
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Runs `callback` every `ms`, first after one period, until cancelled. */
export function every(clock: Clock, ms: number, callback: () => void): Timer {
  let timer: Timer;
  const tick = () => {
    timer = clock.after(ms, tick);
    callback();
  };
  timer = clock.after(ms, tick);
  return { cancel: () => timer.cancel() };
}
