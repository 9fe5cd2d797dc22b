/**
 * Data reduction: items gather into batches on their way up the tree, each broker makes few of many and passes those on
 * (services.md §10). Pure; the shell that keeps the timer and sends is `Reducer`.
 *
 * Invariant: every item added is handed out exactly once, within one batch in the order it came.
 */

/** When a batch is passed on, and what becomes of it. Without `count` and `timeout` every item goes on at once. */
export interface ReductionRules<T> {
  /** Makes few items of those of one batch, in their order; all are kept as they are unless given. */
  reduce?(items: T[]): T[];
  /** What one item counts towards `count`; 1 unless given. */
  weight?(item: T): number;
  /** A batch goes on as soon as its items count this much. */
  count?: number;
  /** A batch goes on this many milliseconds after its first item came, or after one that can wait less, if it says so. */
  timeout?: number | ((item: T, isFirstBatch: boolean) => number);
}

/** Why a batch was passed on: it was full, it was old enough, a newer one began, it was late, it was asked for. */
export type Cause = "count" | "time" | "newer" | "late" | "flush";

/** What to do next: hand items on, wait for the batch to become old enough, or stop waiting. */
export type Step<T> =
  | { kind: "pass"; cause: Cause; batch: number; items: T[] }
  | { kind: "arm"; ms: number }
  | { kind: "disarm" };

const NOTHING: readonly never[] = [];

/**
 * The share of `timeout` that a broker on `level` (0 is the root) waits, so that those below have sent before those
 * above stop waiting. `maxLevel` is one more than the deepest level there is, so that the deepest wait a little too.
 */
export function scaledTimeout(timeout: number, level: number, maxLevel: number): number {
  return maxLevel <= 0 ? 0 : Math.max(0, (maxLevel - level) * timeout / maxLevel);
}

export class Reduction<T> {
  readonly #rules: ReductionRules<T>;
  #batch = -Infinity;
  #items: T[] = [];
  #weight = 0;
  /** The wait that is under way, ms. */
  #armed: number | undefined;
  #isFirst = true;

  constructor(rules: ReductionRules<T>) {
    this.#rules = rules;
  }

  /** Items that wait here. */
  get size(): number {
    return this.#items.length;
  }

  /** Takes an item of a numbered batch in. A newer batch ends the present one; an item of an older one goes straight on. */
  add(item: T, batch = 0): readonly Step<T>[] {
    const { count, timeout, weight } = this.#rules;
    if (batch < this.#batch) return [{ kind: "pass", cause: "late", batch, items: this.#reduced([item]) }];
    const steps = batch > this.#batch ? this.#end("newer") : NOTHING;
    this.#batch = batch;
    this.#items.push(item);
    this.#weight += weight ? weight(item) : 1;
    const isFull = count === undefined ? timeout === undefined : this.#weight >= count;
    if (isFull) return [...steps, ...this.#end("count")];
    const ms = typeof timeout === "function" ? timeout(item, this.#isFirst) : timeout;
    if (ms === undefined || (this.#armed !== undefined && this.#armed <= ms)) return steps;
    this.#armed = ms;
    return [...steps, { kind: "arm", ms }];
  }

  /** The time asked for by `arm` has passed. */
  expired(): readonly Step<T>[] {
    this.#armed = undefined;
    return this.#end("time");
  }

  /** Hands out what waits. */
  flush(): readonly Step<T>[] {
    return this.#end("flush");
  }

  #end(cause: Cause): readonly Step<T>[] {
    if (this.#items.length === 0) return NOTHING;
    const items = this.#reduced(this.#items);
    const steps: Step<T>[] = [{ kind: "pass", cause, batch: this.#batch, items }];
    if (this.#armed !== undefined) steps.push({ kind: "disarm" });
    this.#armed = undefined;
    this.#isFirst = false;
    this.#items = [];
    this.#weight = 0;
    return steps;
  }

  #reduced(items: T[]): T[] {
    return this.#rules.reduce && items.length > 0 ? this.#rules.reduce(items) : items;
  }
}
