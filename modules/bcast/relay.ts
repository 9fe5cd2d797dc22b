/**
 * The blocks of broadcasts on one rank: whoever asks for one here, this rank itself or a child, shares what comes from above. A few
 * are kept for those who are behind; who is further behind has them come from above again. Pure but for `ask` and the clock.
 *
 * Invariant: at most `KEPT` blocks are held, and none once nobody has asked for `REST`.
 */

import type { Clock, Timer } from "../../broker/ports/mod.ts";
import type { Origin } from "./protocol.ts";

/** Blocks of all broadcasts together. */
export const KEPT = 16;
/** Milliseconds. */
const REST = 10_000;

export type Ask = (origin: Origin, n: number) => Promise<Uint8Array>;

export class Relay {
  readonly #ask: Ask;
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #blocks = new Map<string, Promise<Uint8Array>>();
  #rest: Timer | undefined;

  /** `ask` gets a block from further up. */
  constructor(ask: Ask, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** Blocks that are held, or on their way. */
  get held(): number {
    return this.#blocks.size;
  }

  /** Throws what `ask` throws. */
  pull(origin: Origin, n: number): Promise<Uint8Array> {
    this.#rest?.cancel();
    this.#rest = this.#clock.after(REST, () => this.clear());
    const key = `${origin.id} ${n}`;
    const known = this.#blocks.get(key);
    if (known) return known;
    const block = this.#ask(origin, n);
    this.#blocks.set(key, block);
    block.catch(() => this.#blocks.get(key) === block && this.#blocks.delete(key));
    while (this.#blocks.size > KEPT) this.#blocks.delete(this.#blocks.keys().next().value!);
    return block;
  }

  clear(): void {
    this.#rest?.cancel();
    this.#rest = undefined;
    this.#blocks.clear();
  }
}
