import type { Clock, Timer } from "../../broker/ports/mod.ts";

/**
 * Processes that stand still (SIGSTOP), by host. What was to happen in one of them waits, in its order, and happens all at
 * once when it goes on. What comes to it over the network waits in the connections.
 */
export class Standstill {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(host: string): boolean {
    return this.#waiting.has(host);
  }

  stop(host: string): void {
    if (!this.has(host)) this.#waiting.set(host, new Set());
  }

  go(host: string): void {
    const waiting = this.#waiting.get(host);
    this.#waiting.delete(host);
    for (const arm of waiting ?? []) arm();
  }

  /** The process died: nothing of it happens any more. */
  forget(host: string): void {
    this.#waiting.delete(host);
  }

  /** Time as the process `host` has it: its timers do not fire while it stands still. */
  clock(host: string): Clock {
    return {
      now: () => this.#clock.now(),
      wall: () => this.#clock.wall(),
      after: (ms, callback) => this.#after(host, ms, callback),
    };
  }

  #after(host: string, ms: number, callback: () => void): Timer {
    let isOver = false;
    let timer: Timer;
    const arm = () => void (timer = this.#clock.after(0, due));
    const due = () => {
      if (isOver) return;
      const waiting = this.#waiting.get(host);
      if (waiting) return void waiting.add(arm);
      isOver = true;
      callback();
    };
    timer = this.#clock.after(ms, due);
    return {
      cancel: () => {
        isOver = true;
        timer.cancel();
        this.#waiting.get(host)?.delete(arm);
      },
    };
  }
}
