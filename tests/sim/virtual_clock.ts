import { Deadlines } from "../../broker/ports/deadlines.ts";
import type { Clock, Timer } from "../../broker/ports/mod.ts";

/**
 * Time that moves only when it is told to, and then from one event to the next: an hour passes in milliseconds, and the
 * same program gives the same order of events every time. Events of equal time fire in the order they were set.
 * Between two events every promise that can settle does so. What waits for anything but promises and this clock
 * (a file, a socket, `crypto.subtle`) is not waited for.
 */
export interface VirtualClock extends Clock {
  /** Events fired so far. */
  readonly fired: number;
  /** Events that are set and not cancelled. */
  readonly pending: number;
  /** Lets exactly `ms` pass. */
  run(ms: number): Promise<void>;
  /** Runs until nothing is set any more. Throws when that is not so after `limitMs` of virtual time. */
  runUntilIdle(limitMs?: number): Promise<void>;
  /** Runs until `condition` holds. Throws when nothing is left to happen, or after `limitMs` of virtual time. */
  runUntil(condition: () => boolean, limitMs?: number): Promise<void>;
  /** Runs until `promise` settles and gives its result. Throws as `runUntil` does. */
  settle<T>(promise: Promise<T>, limitMs?: number): Promise<T>;
}

/** 2026-01-01T00:00:00Z: when every simulated world begins, in milliseconds since the epoch. */
const EPOCH = 1_767_225_600_000;
const HOUR = 3_600_000;

export function virtualClock(): VirtualClock {
  const events = new Deadlines();
  let now = 0, fired = 0;

  /** Fires events up to `limit`, letting promises settle before each, while `more` says so. Returns whether one is left. */
  const advance = async (limit: number, more: () => boolean): Promise<boolean> => {
    while (true) {
      await settled();
      if (!more()) return true;
      if (events.next > limit) return events.size > 0;
      now = events.next;
      const callback = events.take()!;
      fired++;
      callback();
    }
  };

  const clock: VirtualClock = {
    now: () => now,
    wall: () => EPOCH + now,
    after(ms: number, callback: () => void): Timer {
      const event = events.add(now + (ms > 0 ? ms : 0), callback);
      return { cancel: () => events.cancel(event) };
    },
    get fired() {
      return fired;
    },
    get pending() {
      return events.size;
    },
    async run(ms) {
      const end = now + ms;
      await advance(end, () => true);
      now = end;
    },
    async runUntilIdle(limitMs = HOUR) {
      if (await advance(now + limitMs, () => true)) {
        throw new Error(`not idle after ${limitMs} ms: ${events.size} events pending`);
      }
    },
    async runUntil(condition, limitMs = HOUR) {
      const start = now;
      const left = await advance(now + limitMs, () => !condition());
      if (condition()) return;
      throw new Error(
        left ? `not so after ${limitMs} ms` : `not so, and nothing left to happen after ${now - start} ms`,
      );
    },
    async settle(promise, limitMs) {
      let done = false;
      const mark = () => void (done = true);
      promise.then(mark, mark);
      await clock.runUntil(() => done, limitMs);
      return promise;
    },
  };
  return clock;
}

/**
 * Resolves after every promise that can settle has settled. (2 µs. A message channel would not do: its receiver goes on
 * from one message to the next within microtasks, and overtakes longer chains of promises.)
 */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
