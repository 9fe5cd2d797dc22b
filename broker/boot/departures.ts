/** Ranks that are gone, and what people are told of them. Pure. */

import type { Ending } from "./control.ts";
import { Grouped } from "./report.ts";

export class Departures {
  readonly #told = new Grouped();
  #left: { rank: number; ending: Ending }[] = [];

  /** What is to be said of a rank in any case. */
  add(rank: number, text: string): void {
    this.#told.add(rank, text);
  }

  /** A rank has ended in order while the session ran, as far as was known then. */
  left(rank: number, ending: Ending): void {
    this.#left.push({ rank, ending });
  }

  /**
   * A line for each text. Where much else runs, ranks that end with the session may be seen to go before rank 0 is heard: when the
   * session ends by now, nothing is said of those that are well.
   */
  take(isEnding: boolean): string[] {
    for (const { rank, ending } of this.#left) {
      if (!isEnding || ending.status !== 0) this.#told.add(rank, ` ended: ${ending.reason}`);
    }
    this.#left = [];
    return this.#told.take();
  }
}
