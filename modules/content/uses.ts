/**
 * Which blobs were used lately, for a store that spares what clients use. Each blob is told once a period at most, so a
 * blob's last use is later than the store believes by a period at most. Pure but for `tell`.
 */

/** Blobs that wait before they are told between heartbeats. */
const TOLD_AT_ONCE = 1024;

export class Uses {
  readonly #tell: (blobrefs: readonly string[]) => void;
  #waiting: string[] = [];
  #periodEnd = 0;

  constructor(tell: (blobrefs: readonly string[]) => void) {
    this.#tell = tell;
  }

  add(blobref: string): void {
    if (this.#waiting.push(blobref) >= TOLD_AT_ONCE) this.flush();
  }

  /** Tells what waits. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const told = this.#waiting;
    this.#waiting = [];
    this.#tell(told);
  }

  /** True when a period of so many seconds is over; another begins then. */
  isOver(now: number, period: number): boolean {
    if (now < this.#periodEnd) return false;
    this.#periodEnd = now + period;
    return true;
  }
}
