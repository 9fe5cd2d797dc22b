/** Data reduction at work: a {@link Reduction} with its timer, and one that spans the tree. */

import type { Clock, Timer } from "../ports/mod.ts";
import { NODEID_UPSTREAM } from "../message/mod.ts";
import { Reduction, type ReductionRules, scaledTimeout } from "./reduce.ts";

/** Gathers items and calls `pass` with the reduced ones of a batch. */
export class Reducer<T> {
  readonly #clock: Clock;
  readonly #reduction: Reduction<T>;
  readonly #pass: (items: T[], batch: number) => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, rules: ReductionRules<T>, pass: (items: T[], batch: number) => void) {
    this.#clock = clock;
    this.#reduction = new Reduction(rules);
    this.#pass = pass;
  }

  /** Items that wait here. */
  get size(): number {
    return this.#reduction.size;
  }

  add(item: T, batch = 0): void {
    this.#do(this.#reduction.add(item, batch));
  }

  /** Passes on what waits, now. */
  flush(): void {
    this.#do(this.#reduction.flush());
  }

  #do(steps: ReturnType<Reduction<T>["add"]>): void {
    for (const step of steps) {
      if (step.kind === "pass") this.#pass(step.items, step.batch);
      else {
        this.#timer?.cancel();
        this.#timer = step.kind === "arm"
          ? this.#clock.after(step.ms, () => this.#do(this.#reduction.expired()))
          : undefined;
      }
    }
  }
}

/** Where a broker stands in the tree. */
export interface TreePosition {
  /** Hops from rank 0. */
  readonly level: number;
  /** The deepest level there is. */
  readonly maxLevel: number;
}

export interface TreeReducerOptions<T> extends TreePosition {
  readonly clock: Clock;
  /** `timeout` is the one at the root; further down a share of it applies. */
  readonly rules: ReductionRules<T>;
  /** Takes reduced items at rank 0. */
  sink(items: T[], batch: number): void;
  /** Takes reduced items elsewhere, on their way to the parent: {@link upstream} makes one. */
  forward(items: T[], batch: number): void;
}

/** The part that one broker has in a reduction over the whole tree: what is added anywhere ends in `sink` at rank 0. */
export function treeReducer<T>(options: TreeReducerOptions<T>): Reducer<T> {
  const { clock, rules, level, maxLevel, sink, forward } = options;
  const { timeout } = rules;
  const scaled = timeout === undefined ? rules : { ...rules, timeout: scaledTimeout(timeout, level, maxLevel + 1) };
  return new Reducer(clock, scaled, level === 0 ? sink : forward);
}

/** Sends batches as `topic {"batch":N,"items":[…]}` to the parent broker, where the service of that topic adds them. */
export function upstream<T>(
  handle: { post(topic: string, payload: object, options: { rank: number }): void },
  topic: string,
): (items: T[], batch: number) => void {
  return (items, batch) => handle.post(topic, { batch, items }, { rank: NODEID_UPSTREAM });
}
