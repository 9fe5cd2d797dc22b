/**
 * One reader of the log: a place in the ring that moves on as fast as the reader takes lines. It owns no lines, so a
 * slow reader costs nothing; what left the ring before it could be sent is replaced by one line that counts it.
 */

import type { Clock, Timer } from "../ports/mod.ts";
import type { LogRing } from "./log_ring.ts";

/** No more is sent to a reader that has this much coming, bytes. */
const BACKLOG = 256 << 10;
/** Between two looks whether it has taken some of that, ms. */
const PATIENCE = 20;

export interface LogReader {
  send(line: string): void;
  /** Bytes sent and not taken yet. */
  backlog(): number;
  /** The line to send where `count` lines are missing. */
  skipped(count: number): string;
}

/** The numbers of the first line to send and of the one to end before. */
export interface LogRange {
  readonly from: number;
  readonly to: number;
}

export class LogFollower {
  readonly #ring: LogRing;
  readonly #clock: Clock;
  readonly #reader: LogReader;
  readonly #done = Promise.withResolvers<void>();
  readonly #end: number;
  #position: number;
  #paused: Timer | undefined;
  #stopped = false;

  constructor(ring: LogRing, clock: Clock, reader: LogReader, { from, to }: LogRange) {
    this.#ring = ring;
    this.#clock = clock;
    this.#reader = reader;
    this.#position = from;
    this.#end = to;
  }

  /** The number of the next line to send. */
  get position(): number {
    return this.#position;
  }

  /** Resolves when the last line was sent, or it was stopped. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Sends what there is; call it whenever the ring has a new line. */
  wake(): void {
    if (this.#paused || this.#stopped) return;
    while (this.#position < Math.min(this.#ring.next, this.#end)) {
      if (this.#reader.backlog() > BACKLOG) return this.#pause();
      const missing = Math.min(this.#ring.first, this.#end) - this.#position;
      if (missing > 0) {
        this.#position += missing;
        this.#reader.send(this.#reader.skipped(missing));
      } else {
        this.#reader.send(this.#ring.line(this.#position++)!);
      }
    }
    if (this.#position >= this.#end) this.stop();
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#paused?.cancel();
    this.#done.resolve();
  }

  #pause(): void {
    this.#paused = this.#clock.after(PATIENCE, () => {
      this.#paused = undefined;
      this.wake();
    });
  }
}
