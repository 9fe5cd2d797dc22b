/**
 * Data reduction at work: a {@link Reduction} with its timer. A reduction over the tree is one of these on every broker,
 * whose `pass` sends to the parent (at rank 0: takes the result), and a method that adds what children send.
 */

import type { Clock, Timer } from "../ports/mod.ts";
import { Reduction, type ReductionRules } from "./reduce.ts";

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
