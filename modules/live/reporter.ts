/**
 * The way of records to rank 0: what this broker says of its children and what they bring from below, gathered. It keeps all
 * of it, since a new parent has to be told everything.
 */

import type { Clock, Timer } from "../../broker/ports/mod.ts";
import { encodeRecord, type LiveRecord, Register } from "./register.ts";

/** Records are gathered this long, ms. */
const GATHER = 1;

export interface ReporterOptions {
  readonly clock: Clock;
  /** Sends records to the parent with this rank. */
  post(payload: object, parent: number): void;
}

export class Reporter {
  readonly register = new Register();
  readonly #options: ReporterOptions;
  #news = new Map<number, LiveRecord>();
  #gathering: Timer | undefined;
  /** The parent that has taken note of us; undefined while there is none. */
  #parent: number | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** A parent listens from now on: it is told all there is. */
  begin(parent: number): void {
    this.#parent = parent;
    this.#news = new Map(this.register.all.map((record) => [record.rank, record]));
    this.#send();
  }

  /** Nobody listens any more. */
  end(): void {
    this.#parent = undefined;
  }

  /** Passes records on that are new. */
  add(records: readonly LiveRecord[]): void {
    for (const record of records) if (this.register.merge(record)) this.tell(record);
  }

  /** Passes a record on that the register has already. */
  tell(record: LiveRecord): void {
    this.#news.set(record.rank, record);
    this.#gathering ??= this.#options.clock.after(GATHER, () => {
      this.#gathering = undefined;
      this.#send();
    });
  }

  #send(): void {
    if (this.#parent === undefined || this.#news.size === 0) return;
    const records = [...this.#news.values()].map(encodeRecord);
    this.#news.clear();
    this.#options.post({ records }, this.#parent);
  }
}
