/**
 * The event sequence as one broker knows it: what it has seen, and a bounded history from which children that missed
 * something are served. Pure. Rank 0 numbers events from 1; every other rank follows (wire.md §1.11).
 */

import { Slab } from "../message/mod.ts";

/** Events kept for children, at most this many unless told otherwise, and this many bytes. */
export const HISTORY_EVENTS = 8192;
export const HISTORY_BYTES = 8 << 20;

const GONE = new Uint8Array(0);

export type Verdict = "next" | "duplicate" | "gap";

export class EventLog {
  #last = 0;
  /** Encoded events `#first … #last`, from `#head` on. */
  #history: Uint8Array<ArrayBuffer>[] = [];
  #head = 0;
  #first = 1;
  #bytes = 0;
  readonly #memory = new Slab();
  readonly #limit: number;

  /** `limit`: events kept at most. */
  constructor(limit: number = HISTORY_EVENTS) {
    this.#limit = limit;
  }

  /** The number of the last event seen; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** The oldest event that can still be served; `last + 1` when there is none. */
  get first(): number {
    return this.#first;
  }

  /** Starts after `sequence`, for a broker that joined late: earlier events are none of its business. */
  startAfter(sequence: number): void {
    this.#last = sequence;
    this.#first = sequence + 1;
    this.#history = [];
    this.#head = this.#bytes = 0;
  }

  /** What a received event is: the next one, one seen before, or one behind a gap. */
  judge(sequence: number): Verdict {
    return sequence === this.#last + 1 ? "next" : sequence <= this.#last ? "duplicate" : "gap";
  }

  /** Takes in the next event, encoded, and keeps a copy: what it came in may be much larger. */
  append(bytes: Uint8Array): void {
    this.#last++;
    this.#history.push(this.#memory.copy(bytes));
    this.#bytes += bytes.length;
    while (this.#last - this.#first >= this.#limit || this.#bytes > HISTORY_BYTES) this.#drop();
  }

  /** Events after `sequence`, oldest first; null when some of them are no longer kept. */
  after(sequence: number): Uint8Array<ArrayBuffer>[] | null {
    if (sequence + 1 < this.#first) return null;
    return this.#history.slice(this.#head + sequence + 1 - this.#first);
  }

  /** Forgets the oldest event. Room is given back in large steps, so that a full history costs nothing per event. */
  #drop(): void {
    this.#bytes -= this.#history[this.#head]!.length;
    this.#history[this.#head++] = GONE;
    this.#first++;
    if (this.#head < this.#limit) return;
    this.#history = this.#history.slice(this.#head);
    this.#head = 0;
  }
}
