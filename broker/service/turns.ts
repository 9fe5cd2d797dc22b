/** Who may change the tree: one broker at a time, in the order they asked. Kept at rank 0. */

import { FluxError } from "../message/mod.ts";
import type { Clock, Timer } from "../ports/mod.ts";

/** A turn ends by itself after this long, ms: its holder may have died. */
const LEASE = 15_000;

interface Waiting {
  readonly rank: number;
  grant(): void;
  give(error: FluxError): void;
}

export class Turns {
  readonly #clock: Clock;
  readonly #queue: Waiting[] = [];
  #holder: number | undefined;
  #lease: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it is the turn of `rank`. Throws ECANCELED when it gives its turn back before. */
  take(rank: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ rank, grant: resolve, give: reject });
    this.#next();
    return promise;
  }

  /** Ends the turn of `rank`, or its wait for one. */
  end(rank: number): void {
    const at = this.#queue.findIndex((waiting) => waiting.rank === rank);
    if (at >= 0) this.#queue.splice(at, 1)[0]!.give(new FluxError("ECANCELED"));
    if (this.#holder !== rank) return;
    this.#lease?.cancel();
    this.#holder = undefined;
    this.#next();
  }

  #next(): void {
    if (this.#holder !== undefined) return;
    const next = this.#queue.shift();
    if (!next) return;
    this.#holder = next.rank;
    this.#lease = this.#clock.after(LEASE, () => this.end(next.rank));
    next.grant();
  }
}
