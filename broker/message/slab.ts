/**
 * Memory for small messages. An ArrayBuffer of its own costs more (about 600 ns) than everything else that is done to
 * a small message, so these share one.
 *
 * Invariant: a byte is handed out once and was never written before. What is kept long pins its slab, {@link SLAB}
 * bytes at most: who keeps many messages has a slab of its own.
 */

const SLAB = 16 << 10;
/** Requests above this, bytes, get an ArrayBuffer of their own. */
const LARGE = 2 << 10;

/** Memory for the messages of one owner, who keeps them about equally long. */
export class Slab {
  #slab = new Uint8Array(0);
  #used = 0;

  /** `size` zero bytes; a view, whose `buffer` may hold other messages of this owner too. */
  allocate(size: number): Uint8Array<ArrayBuffer> {
    if (size > LARGE) return new Uint8Array(size);
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB);
      this.#used = 0;
    }
    const bytes = this.#slab.subarray(this.#used, this.#used + size);
    this.#used += size;
    return bytes;
  }

  /** A copy of `bytes`, so that nothing is kept in memory but them. */
  copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const kept = this.allocate(bytes.length);
    kept.set(bytes);
    return kept;
  }
}

const passing = new Slab();

/** The same for messages on their way, which soon are gone. */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  return passing.allocate(size);
}
