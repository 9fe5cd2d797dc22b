/**
 * Memory for small messages. An ArrayBuffer of its own costs more (about 600 ns) than everything else that is done to
 * a small message, so these share one.
 *
 * Invariant: a byte is handed out once and was never written before. What is kept long pins its slab, {@link SLAB}
 * bytes at most.
 */

const SLAB = 16 << 10;
/** Requests above this, bytes, get an ArrayBuffer of their own. */
const LARGE = 2 << 10;

let slab = new Uint8Array(0);
let used = 0;

/** `size` zero bytes; a view, whose `buffer` may hold other messages too. */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  if (size > LARGE) return new Uint8Array(size);
  if (used + size > slab.length) {
    slab = new Uint8Array(SLAB);
    used = 0;
  }
  const bytes = slab.subarray(used, used + size);
  used += size;
  return bytes;
}
