/** Timers by name: setting one again replaces it. */

import type { Clock, Timer } from "../ports/mod.ts";

export class Alarms<Name extends string> {
  readonly #clock: Clock;
  readonly #timers = new Map<Name, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isSet(name: Name): boolean {
    return this.#timers.has(name);
  }

  /** Calls `callback` once, `ms` milliseconds from now, unless `name` is set again or cancelled before. */
  set(name: Name, ms: number, callback: () => void): void {
    this.#timers.get(name)?.cancel();
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(name);
      callback();
    });
    this.#timers.set(name, timer);
  }

  cancel(...names: Name[]): void {
    for (const name of names) {
      this.#timers.get(name)?.cancel();
      this.#timers.delete(name);
    }
  }

  cancelAll(): void {
    this.cancel(...this.#timers.keys());
  }
}
