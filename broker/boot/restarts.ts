/** Whoever waits for a rank to be started anew. */

import { FluxError } from "../message/mod.ts";

export class Restarts {
  readonly #ask: (rank: number) => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();

  /** `ask` begins it; `done` is called when it is over. */
  constructor(ask: (rank: number) => void) {
    this.#ask = ask;
  }

  /** Resolves when the rank is up. Throws EIO with the reason why it is not. */
  request(rank: number): Promise<void> {
    let waiting = this.#waiting.get(rank);
    if (!waiting) {
      this.#waiting.set(rank, waiting = Promise.withResolvers());
      this.#ask(rank);
    }
    return waiting.promise;
  }

  done(rank: number, error: string | undefined): void {
    const waiting = this.#waiting.get(rank);
    this.#waiting.delete(rank);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(new FluxError("EIO", error));
  }
}
