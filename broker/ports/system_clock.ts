/**
 * The machine's clock. `setTimeout` would load node:timers and all behind it at its first call (5 ms of every start);
 * `AbortSignal.timeout` does not, but cannot be cancelled, and each one that ends costs 0.1 ms, 0.5 in a process that has
 * slept. So there is one for all timers, and none while an event loop that waits in the system anyway lends its alarm.
 */

import type { Alarm, Clock } from "./clock.ts";
import { Timers } from "./timers.ts";

/** An alarm is given up this long after there was no timer any more, ms: a row of timers set and cancelled shares one. */
const LINGER = 50;
/** The longest that the runtime waits, ms (24.8 days); an alarm for later rings before its time, and is set again then. */
const LONGEST = 2 ** 31 - 1;

/** Keeps the process alive for as long as it is set. */
class SignalAlarm implements Alarm {
  readonly #ring: () => void;
  /** Those that will ring, the next one last. */
  #signals: { readonly due: number; readonly signal: AbortSignal }[] = [];
  #due = Infinity;
  #lettingGo = false;

  readonly #rings = () => {
    this.#signals.pop();
    this.#ring();
  };

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  set(due: number): void {
    this.#due = due;
    if (due === Infinity) return this.#letGo();
    const next = this.#signals.at(-1);
    if (next && next.due <= due) return;
    // Whole milliseconds; one that rings early would have to be set again.
    const wait = Math.ceil(Math.max(0, due - performance.now()));
    const signal = AbortSignal.timeout(Math.min(wait, LONGEST));
    signal.addEventListener("abort", this.#rings);
    this.#signals.push({ due, signal });
  }

  #letGo(): void {
    if (this.#lettingGo || this.#signals.length === 0) return;
    this.#lettingGo = true;
    AbortSignal.timeout(LINGER).addEventListener("abort", () => {
      this.#lettingGo = false;
      if (this.#due !== Infinity) return;
      for (const { signal } of this.#signals) signal.removeEventListener("abort", this.#rings);
      this.#signals = [];
    });
  }
}

const timers: Timers = new Timers(() => performance.now(), new SignalAlarm(() => timers.ring()));

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => performance.timeOrigin + performance.now(),
  after: (ms, callback) => timers.after(ms, callback),
  wakeBy: (alarm) => timers.use(alarm(() => timers.ring())),
};
