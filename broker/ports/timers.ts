/**
 * Timers that share one alarm, set for the first that is due: setting one that is not the first, and cancelling it, never leaves
 * this file. Pure: the time and the alarm are given.
 */

import type { Alarm, Timer } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";

export class Timers {
  readonly #now: () => number;
  readonly #deadlines = new Deadlines();
  /** The last one is in use. Never empty. */
  readonly #alarms: Alarm[];
  /** What the alarm in use is set to, Infinity when to nothing; NaN when that is not known. */
  #set = Infinity;

  /** `now` and everything else here in milliseconds; `alarm` is to call `ring`. */
  constructor(now: () => number, alarm: Alarm) {
    this.#now = now;
    this.#alarms = [alarm];
  }

  /** Runs `callback` once, `ms` from now. */
  after(ms: number, callback: () => void): Timer {
    const entry = this.#deadlines.add(this.#now() + Math.max(0, ms), callback);
    this.#arm();
    return {
      cancel: () => {
        this.#deadlines.cancel(entry);
        this.#arm();
      },
    };
  }

  /**
   * The alarm rings. Fires one timer, if one is due; the next one has a ring of its own, so that promises which follow from the
   * first can still cancel it. Throws what the timer throws, when the alarm is set again.
   */
  ring(): void {
    this.#set = NaN;
    const callback = this.#deadlines.next <= this.#now() ? this.#deadlines.take() : undefined;
    try {
      callback?.();
    } finally {
      this.#arm();
    }
  }

  /** Uses `alarm` from now on, until disposed; then the one used before it. */
  use(alarm: Alarm): Disposable {
    this.#change(() => this.#alarms.push(alarm));
    return { [Symbol.dispose]: () => this.#change(() => this.#alarms.splice(this.#alarms.indexOf(alarm), 1)) };
  }

  #change(change: () => void): void {
    this.#alarms.at(-1)!.set(Infinity);
    this.#set = NaN;
    change();
    this.#arm();
  }

  #arm(): void {
    const due = this.#deadlines.next;
    if (due === this.#set) return;
    this.#set = due;
    this.#alarms.at(-1)!.set(due);
  }
}
