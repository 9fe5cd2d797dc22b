/** Matchtags of one handle: always the smallest that is free, from 1 (wire.md §1.5). 0 means none. */
export class Matchtags {
  #next = 1;
  /** Freed tags below `#next`, kept as a sorted heap would be; nearly always empty or one long. */
  readonly #free: number[] = [];

  take(): number {
    if (this.#free.length === 0) return this.#next++;
    return this.#free.pop()!;
  }

  give(tag: number): void {
    if (tag === this.#next - 1) {
      this.#next--;
      return;
    }
    let at = this.#free.length;
    while (at > 0 && this.#free[at - 1]! < tag) at--;
    this.#free.splice(at, 0, tag);
  }
}
