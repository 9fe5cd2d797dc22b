/** The last lines of the log, in order, each with a number that is never used again. Pure. */
export class LogRing {
  #lines: string[] = [];
  /** Index of the oldest line kept. */
  #head = 0;
  #next = 0;
  #limit: number;

  /** Keeps `limit` lines once it is trimmed. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.trim();
  }

  /** Lines kept. */
  get size(): number {
    return this.#lines.length - this.#head;
  }

  /** The number of the oldest line kept; `next` when there is none. */
  get first(): number {
    return this.#next - this.size;
  }

  /** The number of the next line: as many were pushed so far. */
  get next(): number {
    return this.#next;
  }

  /** Adds a line, beyond the limit until {@link trim}. */
  push(line: string): void {
    this.#lines.push(line);
    this.#next++;
  }

  /** The line of a number from `first` to before `next`. */
  line(number: number): string | undefined {
    return this.#lines[this.#head + number - this.first];
  }

  trim(): void {
    this.discard(this.#next - this.#limit);
  }

  /** Drops every line with a number below `before`. */
  discard(before: number): void {
    const count = Math.min(before - this.first, this.size);
    if (count <= 0) return;
    const head = this.#head + count;
    if (head === this.#lines.length) {
      this.#lines = [];
      this.#head = 0;
    } else if (head > this.#limit) {
      this.#lines = this.#lines.slice(head);
      this.#head = 0;
    } else {
      this.#head = head;
    }
  }
}
