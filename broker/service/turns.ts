/** Who may change the tree: one broker at a time, in the order they asked. Kept at rank 0. */

import { FluxError } from "../message/mod.ts";
import type { Clock, Timer } from "../ports/mod.ts";

/** A turn ends by itself after this long, ms: its holder may be cut off without anybody noticing. */
const LEASE = 15_000;

/** A turn that was given. */
export interface Turn {
  /** Resolves when it is over. */
  readonly over: Promise<void>;
}

interface Claim {
  readonly given: PromiseWithResolvers<Turn>;
  readonly over: PromiseWithResolvers<void>;
}

export class Turns {
  readonly #clock: Clock;
  #queue: Claim[] = [];
  #present: Claim | undefined;
  #lease: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves when it is the turn of the one who asks; the turn ends with `holds`, which aborts when its holder gives it back or is
   * out of reach. Throws ECANCELED when that comes first.
   */
  take(holds: AbortSignal): Promise<Turn> {
    const claim: Claim = { given: Promise.withResolvers(), over: Promise.withResolvers() };
    holds.addEventListener("abort", () => this.#end(claim), { once: true });
    this.#queue.push(claim);
    this.#next();
    return claim.given.promise;
  }

  #end(claim: Claim): void {
    claim.over.resolve();
    this.#queue = this.#queue.filter((other) => other !== claim);
    claim.given.reject(new FluxError("ECANCELED"));
    if (this.#present !== claim) return;
    this.#lease?.cancel();
    this.#present = undefined;
    this.#next();
  }

  #next(): void {
    if (this.#present) return;
    const next = this.#present = this.#queue.shift();
    if (!next) return;
    this.#lease = this.#clock.after(LEASE, () => this.#end(next));
    next.given.resolve({ over: next.over.promise });
  }
}
