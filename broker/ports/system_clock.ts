/**
 * The machine's clock. `setTimeout` would load node:timers and all behind it at its first call (5 ms of every start);
 * `AbortSignal.timeout` does not, but cannot be cancelled. So timers are kept here, and an alarm is set only for the
 * next one that is due. An alarm keeps the process alive for as long as it is listened to.
 */

import type { Clock } from "./clock.ts";

interface Entry {
  readonly due: number;
  readonly order: number;
  /** Null once fired or cancelled. */
  callback: (() => void) | null;
}

/** Alarms are given up this long after the last timer was, ms: a row of timers set and cancelled shares one alarm. */
const LINGER = 50;
/** Cancelled entries are swept out when they are more than this and more than half. */
const SWEEP = 64;

interface Alarm {
  readonly due: number;
  readonly signal: AbortSignal;
}

class Timers {
  /** A binary heap: each entry is due no later than those at 2i+1 and 2i+2. */
  #heap: Entry[] = [];
  #order = 0;
  #live = 0;
  /** The alarms that will ring, the next one last. */
  #alarms: Alarm[] = [];
  #lettingGo = false;

  readonly #rings = () => this.#ring();

  add(ms: number, callback: () => void): Entry {
    const entry: Entry = { due: performance.now() + Math.max(0, ms), order: this.#order++, callback };
    this.#push(entry);
    this.#live++;
    this.#arm(entry.due);
    return entry;
  }

  cancel(entry: Entry): void {
    if (!entry.callback) return;
    entry.callback = null;
    this.#ended();
    if (this.#heap.length < SWEEP || this.#live * 2 > this.#heap.length) return;
    const left = this.#heap.filter(({ callback }) => callback !== null);
    this.#heap = [];
    for (const entry of left) this.#push(entry);
  }

  /** Fires one entry; the next one has a turn of the event loop of its own, so that the first can still cancel it. */
  #ring(): void {
    this.#alarms.pop();
    this.#dropCancelled();
    const next = this.#heap[0];
    if (!next) return;
    if (next.due > performance.now()) return this.#arm(next.due);
    const callback = next.callback!;
    next.callback = null;
    this.#dropCancelled();
    if (this.#heap[0]) this.#arm(this.#heap[0].due);
    try {
      callback();
    } finally {
      // Afterwards, since one that is set again at once is not the last.
      this.#ended();
    }
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.callback === null) this.#pop();
  }

  /** Makes sure that an alarm rings no later than `due` needs. */
  #arm(due: number): void {
    const next = this.#alarms.at(-1);
    if (next && next.due <= due) return;
    // Alarms have whole milliseconds; one that rings early would have to be set again.
    const wait = Math.ceil(Math.max(0, due - performance.now()));
    const signal = AbortSignal.timeout(Math.min(wait, LONGEST));
    signal.addEventListener("abort", this.#rings);
    this.#alarms.push({ due, signal });
  }

  #ended(): void {
    this.#live--;
    if (this.#live > 0 || this.#lettingGo) return;
    this.#lettingGo = true;
    AbortSignal.timeout(LINGER).addEventListener("abort", () => {
      this.#lettingGo = false;
      if (this.#live > 0) return;
      for (const { signal } of this.#alarms) signal.removeEventListener("abort", this.#rings);
      this.#alarms = [];
    });
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(entry, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      if (!before(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

/** The longest alarm there is, ms (24.8 days); a timer that is due later is armed again then. */
const LONGEST = 2 ** 31 - 1;

function before(a: Entry, b: Entry): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}

const timers = new Timers();

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => performance.timeOrigin + performance.now(),
  after(ms, callback) {
    const entry = timers.add(ms, callback);
    return { cancel: () => timers.cancel(entry) };
  },
};
