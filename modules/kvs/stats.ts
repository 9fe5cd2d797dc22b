/** Figures of the service: what the 0.1.0 tools show of it (services.md §5.2). Pure. */

import { real } from "../../broker/message/mod.ts";

/** Count, least, mean, deviation and most of a row of numbers. */
export class Tally {
  #count = 0;
  #min = 0;
  #max = 0;
  #mean = 0;
  /** Sum of the squares of the differences from the mean. */
  #squares = 0;

  add(value: number): void {
    this.#min = this.#count === 0 ? value : Math.min(this.#min, value);
    this.#max = this.#count === 0 ? value : Math.max(this.#max, value);
    const distance = value - this.#mean;
    this.#mean += distance / ++this.#count;
    this.#squares += distance * (value - this.#mean);
  }

  toJSON(): { count: number; min: number; mean: number; stddev: number; max: number } {
    const deviation = this.#count > 1 ? Math.sqrt(this.#squares / (this.#count - 1)) : 0;
    return {
      count: this.#count,
      min: real(this.#min),
      mean: real(this.#mean),
      stddev: real(deviation),
      max: real(this.#max),
    };
  }
}

/** What one instance of the service has done since it started or was cleared. */
export class Stats {
  /** Seconds from a request to its answer. */
  gets = new Tally();
  commits = new Tally();
  fences = new Tally();
  /** Puts are gathered by clients; the service hears of them in commits, and answers none. */
  puts = new Tally();
  /** Commits in one new version, and versions whose tree is that of the one before. */
  merged = new Tally();
  unchanged = 0;

  clear(): void {
    Object.assign(this, new Stats());
  }
}
