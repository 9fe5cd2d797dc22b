/** A list of entries in the order of their last use, from which any one is taken in constant time. Pure. */

/** What can be in one chain at a time. */
export interface Linked<T> {
  older: T | undefined;
  newer: T | undefined;
}

export class Chain<T extends Linked<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;

  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** Puts an entry that is in no chain at the newest end. */
  append(entry: T): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  /** Moves an entry to the newest end. */
  renew(entry: T): void {
    if (entry === this.#newest) return;
    this.remove(entry);
    this.append(entry);
  }

  remove({ older, newer }: T): void {
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
  }

  clear(): void {
    this.#oldest = this.#newest = undefined;
  }
}
