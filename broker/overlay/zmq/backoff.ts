import type { Random } from "../../ports/mod.ts";

/**
 * First wait, longest wait, growth. Small steps: who dials before the listener is there loses at most half of that
 * time again.
 */
const FIRST_MS = 10, LONGEST_MS = 1000, GROWTH = 1.5;

/** The waits between attempts to connect. Jitter keeps 64 children of one parent apart. */
export class Backoff {
  readonly #random: Random;
  #wait = FIRST_MS;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The next wait in ms. */
  next(): number {
    const wait = this.#wait * (0.5 + this.#random.float() / 2);
    this.#wait = Math.min(this.#wait * GROWTH, LONGEST_MS);
    return wait;
  }
}
