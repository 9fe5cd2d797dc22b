/** The door to time. Nothing outside this file's implementations reads a clock or sets a timer. */

/** Something scheduled; `cancel` is idempotent and safe after it has fired. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds, monotonic, from an arbitrary start. For intervals. */
  now(): number;
  /** Milliseconds since the epoch, with fractions of microsecond grain. For timestamps people read. */
  wall(): number;
  /** Runs `callback` once, `ms` milliseconds from now. Does not keep the process alive by itself. */
  after(ms: number, callback: () => void): Timer;
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
