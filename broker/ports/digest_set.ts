/**
 * Digests a collection has marked: a set that costs 16 to 32 bytes each. It knows them by 48 bits, so it may, once in very
 * many, take one for another that is in it: what is marked too much is kept, which does no harm. Pure.
 */

const LEAST = 1 << 10;

export class DigestSet {
  /** Open addressing; 0 is an empty place, so keys are one more than what they stand for. */
  #table = new Float64Array(LEAST);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  add(digest: Uint8Array): void {
    if (this.#count * 2 >= this.#table.length) this.#grow();
    this.#insert(key(digest));
  }

  has(digest: Uint8Array): boolean {
    return this.#table[this.#place(key(digest))] !== 0;
  }

  clear(): void {
    this.#table = new Float64Array(LEAST);
    this.#count = 0;
  }

  #insert(key: number): void {
    const place = this.#place(key);
    if (this.#table[place] !== 0) return;
    this.#table[place] = key;
    this.#count++;
  }

  /** Where a key is, or belongs. */
  #place(key: number): number {
    const table = this.#table;
    let place = key % table.length;
    while (table[place] !== 0 && table[place] !== key) place = (place + 1) % table.length;
    return place;
  }

  #grow(): void {
    const before = this.#table;
    this.#table = new Float64Array(before.length * 2);
    this.#count = 0;
    for (const key of before) if (key !== 0) this.#insert(key);
  }
}

/** The first 48 bits of a digest, and one. */
function key(digest: Uint8Array): number {
  let key = 0;
  for (let i = 0; i < 6; i++) key = key * 256 + digest[i]!;
  return key + 1;
}
