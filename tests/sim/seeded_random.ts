import type { Random } from "../../broker/ports/mod.ts";

/** Chance that repeats: the same seed gives the same sequence for ever, on every machine. */
export interface SeededRandom extends Random {
  readonly seed: number;
  /** A whole number in [0, limit). */
  below(limit: number): number;
  /** An independent sequence, decided by this seed and `name` alone and not by what was drawn before. */
  fork(name: string): SeededRandom;
}

/** The Random of one simulated world. `seed` is a whole number; print it when a test fails. */
export function seededRandom(seed: number): SeededRandom {
  // The generator is sfc32 (public domain): a counter keeps every cycle longer than 2^32.
  let a = mix(seed), b = mix(seed ^ 0x9e3779b9), c = mix(Math.floor(seed / 2 ** 32) ^ 0x85ebca6b), counter = 1;
  const draw = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) draw();

  const bytes = (count: number) => {
    const result = new Uint8Array(count);
    for (let i = 0; i < count; i++) result[i] = draw() >>> 24;
    return result;
  };
  return {
    seed,
    bytes,
    float: () => draw() / 2 ** 32,
    below: (limit) => Math.floor((draw() / 2 ** 32) * limit),
    uuid() {
      const id = bytes(16);
      id[6] = (id[6]! & 0x0f) | 0x40;
      id[8] = (id[8]! & 0x3f) | 0x80;
      const hex = Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
    fork(name) {
      let hash = mix(seed);
      for (let i = 0; i < name.length; i++) hash = mix(hash ^ name.charCodeAt(i));
      return seededRandom(hash >>> 0);
    },
  };
}

/** Spreads the bits of a 32-bit number over all 32 (the finalizer of MurmurHash3). */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
